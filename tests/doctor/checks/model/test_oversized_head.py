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


def of_imagenet(model, count):
    train = SimpleNamespace(size=count)
    return find(SimpleNamespace(graph=read_graph(model), train=train))


@pytest.mark.parametrize(
    ("units", "count", "severity"),
    [
        (3036, 246_000, ["advice"]),
        (3036, 10_000, ["warning"]),
        (1000, 1_281_167, []),
        (100, 2_000, []),
    ],
)
def test_flattened_maps_of_a_network_that_is_published_with_pooling(
    units, count, severity
):
    """ResNet-50: 23.6 million weights, maps of 7 x 7 x 2048."""
    with keras.device("meta"):
        body = keras.applications.ResNet50(include_top=False, weights=None)
        given = keras.Input((224, 224, 3))
        head = layers.Dense(units, use_bias=False)
        model = keras.Model(given, head(layers.Flatten()(body(given))))
    found = of_imagenet(model, count)
    assert [f.severity for f in found] == severity
    assert all(f.evidence["weights"] == 7 * 7 * 2048 * units for f in found)


@pytest.mark.parametrize("count", [1_281_167, 50_000])
def test_the_published_head_of_vgg16_is_no_finding(count):
    """102.8 of 138.4 million weights in its first layer."""
    with keras.device("meta"):
        model = keras.applications.VGG16(weights=None)
    assert of_imagenet(model, count) == []


def test_small_networks_are_nearly_all_head():
    """LeNet-like, 98 % of its weights behind the maps, on 60,000 digits."""
    parts = [layers.Conv2D(32, 3), layers.Conv2D(64, 3), layers.MaxPooling2D()]
    parts += [layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(10)]
    model = keras.Sequential([keras.Input((28, 28, 1)), *parts])
    assert of_imagenet(model, 60_000) == []
