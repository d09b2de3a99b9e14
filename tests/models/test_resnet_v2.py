"""Version 2: heirs of keras.applications."""

import keras
import numpy as np
import pytest

from residency.errors import ConfigError
from residency.models import ResNet50V2, ResNet101V2, ResNet152V2, ResNetV2

from .plain import randomise_batch_norms


def test_equals_keras_applications_on_the_same_weights():
    """The largest difference measured on two CPU cores was 2.4e-10 of 0.0013."""
    shape = (96, 96, 3)
    theirs = keras.applications.ResNet50V2(weights=None, input_shape=shape)
    randomise_batch_norms(theirs, seed=0)
    ours = ResNet50V2(preprocessing="tf", image_size=96)
    for layer in theirs.layers:
        if layer.weights:
            ours.get_layer(layer.name).set_weights(layer.get_weights())
    images = np.random.default_rng(1).integers(0, 256, (2, *shape)).astype("f4")
    prepared = keras.applications.resnet_v2.preprocess_input(images.copy())
    np.testing.assert_allclose(
        ours.predict(images, verbose=0),
        theirs.predict(prepared, verbose=0),
        rtol=1e-5,
        atol=1e-7,
    )


@pytest.mark.parametrize("ours", [ResNet50V2, ResNet101V2, ResNet152V2])
def test_has_the_layers_of_keras_applications(ours):
    with keras.device("meta"):  # shapes alone
        theirs = getattr(keras.applications, ours.__name__)(weights=None)
        layers = {x.name: x for x in ours().layers}
    poolings = 0
    for layer in theirs.layers[1:]:
        if layer.name.startswith("max_pooling2d"):
            poolings += 1
            continue
        shapes = [w.shape for w in layers[layer.name].weights]
        assert shapes == [w.shape for w in layer.weights]
        assert layers[layer.name].output.shape == layer.output.shape
    assert poolings == sum(name.endswith("_0_pool") for name in layers) == 3


def test_small_images_get_the_small_stem():
    with keras.device("meta"):
        model = ResNetV2(num_classes=10, image_size=32)
    assert model.get_layer("conv1_conv").output.shape == (None, 32, 32, 64)
    assert model.get_layer("post_relu").output.shape == (None, 4, 4, 2048)


def test_unknown_depth():
    with pytest.raises(ConfigError, match="expected 50, 101 or 152, got 18"):
        ResNetV2(18)
