"""The order of axes while a network is built."""

import keras
import numpy as np
import pytest

from residency.errors import ConfigError
from residency.models import CIFARResNet, Preprocessing, build, normalization
from residency.models.layout import built_with, channel_axis


def test_the_setting_is_put_back():
    with built_with("channels_first"):
        assert channel_axis() == 1
    assert channel_axis() == -1
    with pytest.raises(ConfigError):
        build("cifar_resnet20", num_classes=1, data_format="channels_first")
    assert keras.config.image_data_format() == "channels_last"


def test_unknown_format():
    with pytest.raises(ConfigError, match="data_format: expected one of channels_last"):
        build("cifar_resnet20", num_classes=2, data_format="nchw")


def test_builders_follow_keras():
    with built_with("channels_first"):
        model = CIFARResNet(8, image_size=None)
    assert model.input_shape == (None, 3, None, None)


MEAN_IMAGE = np.random.default_rng(1).uniform(0, 255, (32, 32, 3))
PIXELS = {
    "mean image": normalization(MEAN_IMAGE, (50, 60, 70)),
    "caffe": "caffe",
    "named": Preprocessing(name="x", mean=(1.0, 2.0, 3.0), std=(4.0, 5.0, 6.0)),
}


@pytest.mark.parametrize("pixels", PIXELS)
def test_preprocessing_in_both_orders(pixels, photos):
    """Also later, when Keras' setting is the usual one again, and from its file."""
    models = {}
    for data_format in ("channels_last", "channels_first"):
        with built_with(data_format):
            models[data_format] = CIFARResNet(8, preprocessing=PIXELS[pixels])
    last, first = models.values()
    first.set_weights(last.get_weights())
    expected = last.predict(photos, verbose=0)
    turned = photos.transpose(0, 3, 1, 2)
    np.testing.assert_allclose(
        first.predict(turned, verbose=0), expected, rtol=1e-4, atol=1e-6
    )
    again = keras.Model.from_config(first.get_config())
    again.set_weights(last.get_weights())
    np.testing.assert_allclose(
        again.predict(turned, verbose=0), expected, rtol=1e-4, atol=1e-6
    )
