"""Stages by name, of our networks and of keras.applications."""

import keras
import pytest

from residency.models import build
from residency.models.stages import all_layers, head_of, last_map, stages

IMAGENET = ["conv1", "conv2", "conv3", "conv4", "conv5", "head"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cifar_resnet20", ["conv1", "conv2", "conv3", "conv4", "head"]),
        ("resnet50", IMAGENET),
        ("resnext29_8x16d", ["conv1", "conv2", "conv3", "conv4", "head"]),
        ("vgg16", [*(f"block{n}" for n in range(1, 6)), "head"]),
        ("resnet50_v2", IMAGENET),
        ("resnet50_keras2", ["conv1", *(f"res{n}" for n in range(2, 6)), "head"]),
        ("densenet_bc100_12", ["conv1", "conv2", "conv3", "conv4", "head"]),
        ("lenet", ["conv1", "conv2", "head"]),
        ("darknet53", [*(f"conv{n}" for n in range(1, 7)), "head"]),
        (
            "efficientnet_lite0",
            ["stem", *(f"block{n}" for n in range(1, 8)), "top", "head"],
        ),
    ],
)
def test_stages_of_the_catalog(name, expected):
    model = build(name, num_classes=3, image_size=64)
    found = stages(model)
    assert list(found) == expected
    together = [layer for layers in found.values() for layer in layers]
    assert sorted(map(id, together)) == sorted(map(id, all_layers(model)))


@pytest.mark.parametrize(
    ("builder", "expected"),
    [
        (keras.applications.ResNet50, IMAGENET),
        (keras.applications.ResNet50V2, IMAGENET),
        (keras.applications.DenseNet121, IMAGENET),
        (keras.applications.VGG16, [*(f"block{n}" for n in range(1, 6)), "head"]),
        (
            keras.applications.EfficientNetB0,
            ["stem", *(f"block{n}" for n in range(1, 8)), "top", "head"],
        ),
    ],
)
def test_stages_of_keras_applications(builder, expected):
    model = builder(weights=None, input_shape=(64, 64, 3), classes=2)
    assert list(stages(model)) == expected
    base = builder(weights=None, input_shape=(64, 64, 3), include_top=False)
    nested = keras.Sequential(
        [keras.Input((64, 64, 3)), base, keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    assert list(stages(nested)) == expected
    assert [type(x).__name__ for x in head_of(nested).layers] == ["Flatten", "Dense"]
    assert head_of(nested).features.shape == nested.layers[1].output.shape


def test_a_whole_network_inside_another_has_its_head():
    inner = build("cifar_resnet20", num_classes=3, image_size=32)
    outer = keras.Sequential([keras.Input((32, 32, 3)), inner])
    assert stages(outer)["head"] == stages(inner)["head"]
    assert head_of(outer).features is None
    assert last_map(outer) is None


def test_features_are_what_the_pooling_gives():
    model = build("resnet18", num_classes=3, image_size=64)
    assert head_of(model).features.shape == (None, 512)
    assert last_map(model).shape == (None, 2, 2, 512)
    pooled = keras.applications.ResNet50(
        weights=None, include_top=False, input_shape=(64, 64, 3), pooling="avg"
    )
    own = keras.Sequential([keras.Input((64, 64, 3)), pooled, keras.layers.Dense(2)])
    assert [layer.name for layer in stages(own)["head"]] == [own.layers[-1].name]
    assert last_map(own) is head_of(own).features


def test_names_that_tell_nothing_are_one_body():
    layers = [keras.layers.Conv2D(4, 3), keras.layers.Conv2D(4, 3)]
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    found = stages(model)
    assert {name: len(some) for name, some in found.items()} == {"body": 2, "head": 2}


def test_a_head_without_a_dense_layer_begins_at_the_last_convolution():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="conv1")(inputs)
    x = keras.layers.Conv2D(2, 1, name="conv2")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Softmax()(x))
    assert stages(model)["head"][0].name == "conv2"
    assert head_of(model).features.shape == (None, 6, 6, 4)
