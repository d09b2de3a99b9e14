from types import SimpleNamespace

import keras
import pytest
from keras import layers

from residency.doctor.checks.model.oversized_head import find
from residency.doctor.probe.graph import read_graph


def net(units, *, pooled=False):
    join = layers.GlobalAveragePooling2D() if pooled else layers.Flatten()
    return [
        layers.Conv2D(16, 3, strides=2, activation="relu"),
        join,
        layers.Dense(units, activation="relu"),
        layers.Dense(4, activation="softmax"),
    ]


def test_a_wide_layer_on_flattened_maps_of_few_images(probe_of, images):
    (found,) = find(probe_of(net(128), images(side=64)))
    weights = 31 * 31 * 16 * 128 + 128
    assert found.evidence["weights"] == weights
    assert found.evidence["weights_per_image"] == round(weights / 64)


def test_pooled_small_and_well_fed_heads(probe_of, images):
    assert find(probe_of(net(128, pooled=True), images(side=64))) == []
    assert find(probe_of(net(16), images(side=64))) == []
    assert find(probe_of(net(128), images(count=400, side=64))) == []


def test_a_head_lighter_than_the_body(probe_of, images):
    body = [layers.Conv2D(512, 3, strides=2, activation="relu") for _ in range(2)]
    head = [layers.Conv2D(8, 1), layers.ReLU(), layers.Flatten(), layers.Dense(256)]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert find(probe_of([*body, *head], images(count=8, side=96), loss)) == []


def test_flattened_pixels_are_no_head(probe_of, images):
    model = [layers.Flatten(), layers.Dense(512, activation="relu"), layers.Dense(4)]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert find(probe_of(model, images(count=8, side=64), loss)) == []


@pytest.mark.parametrize(
    ("units", "count", "severity"),
    [(1500, 90_000, ["advice"]), (1500, 4_000, ["warning"]), (60, 90_000, [])],
)
def test_a_head_on_a_body_that_is_published_with_pooling(units, count, severity):
    """ResNet-50 at 64 pixels: 23.6 million weights, 4 x 4 x 2048 maps."""
    given = keras.Input((224, 224, 3))
    body = keras.applications.ResNet50(include_top=False, weights=None)
    model = keras.Model(given, layers.Dense(units)(layers.Flatten()(body(given))))
    train = SimpleNamespace(size=count)
    found = find(SimpleNamespace(graph=read_graph(model), train=train))
    assert [f.severity for f in found] == severity


def test_the_first_layer_of_vgg16_is_its_own():
    """102.8 of 138.4 million weights, and 80 for each image of ImageNet."""
    model = keras.applications.VGG16(weights=None)
    train = SimpleNamespace(size=1_281_167)
    assert find(SimpleNamespace(graph=read_graph(model), train=train)) == []
