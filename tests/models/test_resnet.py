"""ResNet-18 to 152: heirs of keras.applications and torchvision."""

import keras
import numpy as np
import pytest

from residency.errors import ConfigError
from residency.models import ResNet18, ResNet50


def trainable(model):
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights)


def randomise_batch_norms(model, seed):
    """Makes statistics and scales matter; fresh ones are zeros and ones."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.set_weights(
                [
                    rng.uniform(low, high, shape)
                    for low, high in [(0.5, 1.0), (-0.1, 0.1), (-0.1, 0.1), (0.5, 1.5)]
                ]
            )


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
