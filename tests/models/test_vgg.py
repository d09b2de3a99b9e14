"""VGG-16 and 19: heirs of keras.applications and torchvision."""

import keras
import numpy as np
import pytest

from residency.errors import ConfigError
from residency.models import VGG16, VGG19

PAIRS = [(VGG16, keras.applications.VGG16), (VGG19, keras.applications.VGG19)]
IDS = ["16", "19"]


@pytest.mark.parametrize(("builder", "kerases_own"), PAIRS, ids=IDS)
def test_layers_and_shapes_of_keras_applications(builder, kerases_own):
    with keras.device("meta"):  # shapes alone
        ours, theirs = builder(dropout=0.0), kerases_own(weights=None)
    shapes = [
        {x.name: [w.shape for w in x.weights] for x in model.layers if x.weights}
        for model in (ours, theirs)
    ]
    assert shapes[0] == shapes[1]
    assert ours.count_params() == theirs.count_params()


@pytest.mark.parametrize(("builder", "kerases_own"), PAIRS, ids=IDS)
def test_equals_keras_applications_on_the_same_weights(builder, kerases_own):
    """At 64 pixels the last map has 2 x 2: a wrong order of pixels would show."""
    theirs = kerases_own(weights=None, input_shape=(64, 64, 3), classes=5)
    ours = builder(num_classes=5, image_size=64, preprocessing="caffe")
    for layer in theirs.layers:
        if layer.weights:
            ours.get_layer(layer.name).set_weights(layer.get_weights())
    images = np.random.default_rng(1).integers(0, 256, (2, 64, 64, 3)).astype("f4")
    prepared = keras.applications.vgg16.preprocess_input(images.copy())
    expected = theirs.predict(prepared, verbose=0)
    assert expected.std() > 1e-3
    np.testing.assert_allclose(
        ours.predict(images, verbose=0), expected, rtol=1e-5, atol=1e-7
    )


def test_batch_normalisation_stands_between_convolution_and_relu():
    with keras.device("meta"):
        model = VGG16(True, num_classes=2, image_size=32)
    names = [layer.name for layer in model.layers]
    assert names[2:5] == ["block1_conv1", "block1_conv1_bn", "block1_conv1_relu"]
    convs = [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]
    assert len(convs) == 13
    assert all(x.use_bias and x.activation is keras.activations.linear for x in convs)


def test_dropout_of_the_paper():
    with keras.device("meta"):
        model = VGG16(num_classes=2, image_size=32)
    assert model.get_layer("fc1_dropout").rate == 0.5
    assert model.get_layer("fc2_dropout").rate == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_size": None}, "Give the side in pixels, 32 or more"),
        ({"image_size": 24}, "32 or more, got 24"),
        ({"dropout": 1.0}, r"dropout: expected a share in \[0, 1\), got 1\.0"),
        ({"preprocessing": "cafe"}, "Did you mean 'caffe'"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ConfigError, match=message):
        VGG16(**arguments)
