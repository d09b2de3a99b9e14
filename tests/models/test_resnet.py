"""ResNet-18 to 152: heirs of keras.applications and torchvision."""

import keras
import numpy as np
import pytest

from residency.errors import ConfigError
from residency.models import ResNet, ResNet18, ResNet50, ResNet101, ResNet152

from .plain import assert_same_logits, randomise_batch_norms, resnet


def trainable(model):
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights)


@pytest.fixture(scope="module")
def kerases_own():
    model = keras.applications.ResNet50(weights=None)
    randomise_batch_norms(model, seed=0)
    return model


def test_equals_keras_applications_on_the_same_weights(kerases_own):
    """The largest difference measured on two CPU cores was 0.0."""
    ours = ResNet50(preprocessing="caffe")
    for layer in kerases_own.layers:
        if layer.weights:
            ours.get_layer(layer.name).set_weights(layer.get_weights())
    images = np.random.default_rng(1).integers(0, 256, (2, 224, 224, 3)).astype("f4")
    prepared = keras.applications.resnet.preprocess_input(images.copy())
    expected = kerases_own.predict(prepared, verbose=0)
    np.testing.assert_allclose(
        ours.predict(images, verbose=0), expected, rtol=1e-5, atol=1e-7
    )
    assert {x.name for x in kerases_own.layers} - {x.name for x in ours.layers} == {
        kerases_own.layers[0].name  # the input; ours is called "images"
    }


@pytest.mark.parametrize("depth", [101, 152])
def test_has_the_layers_of_keras_applications(depth):
    ours = {101: ResNet101, 152: ResNet152}[depth]
    with keras.device("meta"):  # shapes alone
        theirs = getattr(keras.applications, f"ResNet{depth}")(weights=None)
        layers = {x.name: x for x in ours().layers}
    for layer in theirs.layers[1:]:
        shapes = [w.shape for w in layers[layer.name].weights]
        assert shapes == [w.shape for w in layer.weights]


@pytest.mark.parametrize(
    ("version", "weighed"), [("1", False), ("1.5", False), ("1.5", True), ("D", False)]
)
def test_equals_plain_torch(version, weighed, photos):
    """At 72 pixels the last maps are odd: 9, 5 and 3 a side."""
    images = np.pad(photos[:2], ((0, 0), (20, 20), (20, 20), (0, 0)), "reflect")
    model = ResNet(
        50,
        version,
        squeeze_excite=weighed,
        num_classes=5,
        image_size=72,
        preprocessing="tf",
    )
    randomise_batch_norms(model, seed=0)
    expected = resnet(model, images / 127.5 - 1, version, weighed=weighed)
    assert_same_logits(model, images, expected)


def test_versions_halve_the_map_in_other_places():
    with keras.device("meta"):
        first, later = (ResNet(50, version) for version in ("1", "1.5"))
    name = "conv3_block1_1_conv"
    assert first.get_layer(name).output.shape == (None, 28, 28, 128)
    assert later.get_layer(name).output.shape == (None, 56, 56, 128)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 51}, "depth: expected one of 18, 34, 50, 101, 152, got 51"),
        ({"version": "2"}, "version: expected one of '1', '1.5', 'D', got '2'"),
        ({"zerogamma": True}, "Did you mean 'zero_gamma'"),
        ({"head": "flatten"}, "Did you mean 'flatten_dense'"),
    ],
)
def test_unknown_arguments(arguments, message):
    with pytest.raises(ConfigError, match=message):
        ResNet(**arguments)


def test_small_images_get_the_small_stem():
    """23,520,842: the ResNet-50 of the common CIFAR re-implementations."""
    with keras.device("meta"):  # shapes alone
        model = ResNet50(num_classes=10, image_size=32, conv_bias=False)
    assert trainable(model) == 23_520_842
    assert model.get_layer("conv1_conv").output.shape == (None, 32, 32, 64)
    assert model.get_layer("conv5_block3_out").output.shape == (None, 4, 4, 2048)


def test_without_top_and_biases():
    with keras.device("meta"):
        model = ResNet50(num_classes=2, image_size=None, conv_bias=False)
    assert model.count_params() - (2048 * 2 + 2) == 23_561_152


def test_resnet18_follows_torchvision():
    with keras.device("meta"):
        model = ResNet18(num_classes=2, image_size=64)
    names = [x.name for x in model.layers]
    assert "conv2_block1_0_conv" not in names
    assert "conv3_block1_0_conv" in names
    assert model.get_layer("conv1_conv").output.shape == (None, 32, 32, 64)
    assert model.get_layer("conv5_block2_out").output.shape == (None, 2, 2, 512)
    assert model.get_layer("conv1_bn").epsilon == 1e-5


def test_stem_too_coarse():
    with pytest.raises(ConfigError, match="Use stem='cifar'"):
        ResNet18(image_size=32, stem="imagenet")


def test_unknown_stem():
    with pytest.raises(ConfigError, match="expected 'auto', 'imagenet' or 'cifar'"):
        ResNet18(stem="small")
