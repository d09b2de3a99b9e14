"""The first layer gives what the frameworks' own preprocessing gives."""

import keras
import numpy as np
import pytest
from keras.applications import imagenet_utils

from residency.errors import ConfigError
from residency.models import Preprocessing, normalization
from residency.models.preprocessing import PREPROCESSINGS, resolve


def run(preprocessing, images, image_size=None):
    inputs = keras.Input((image_size, image_size, 3))
    model = keras.Model(inputs, preprocessing.apply(inputs))
    return model.predict(images, verbose=0)


@pytest.mark.parametrize("mode", ["torch", "caffe", "tf"])
def test_equals_keras_preprocess_input(mode, photos):
    expected = imagenet_utils.preprocess_input(photos.astype("float32"), mode=mode)
    np.testing.assert_allclose(
        run(PREPROCESSINGS[mode], photos), expected, rtol=1e-5, atol=2e-5
    )


def test_none_changes_nothing(photos):
    np.testing.assert_array_equal(run(PREPROCESSINGS["none"], photos), photos)


def test_normalization_whitens_what_was_measured(photos):
    pixels = photos.reshape(-1, 3).astype("float64")
    done = run(normalization(pixels.mean(0), pixels.std(0)), photos).reshape(-1, 3)
    np.testing.assert_allclose(done.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(done.std(0), 1, atol=1e-5)


def test_mean_image_is_subtracted_per_pixel(photos, tmp_path):
    mean = photos.mean(0)
    inputs = keras.Input((32, 32, 3))
    model = keras.Model(inputs, normalization(mean).apply(inputs))
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    expected = photos.astype("float32") - mean.astype("float32")
    np.testing.assert_allclose(again.predict(photos, verbose=0), expected, atol=1e-4)


def test_constant_channel_does_not_divide_by_zero():
    assert normalization((1, 2, 3), (0, 1, 2)).std == (1.0, 1.0, 2.0)


def test_stays_float32_under_mixed_precision(photos):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        done = run(PREPROCESSINGS["torch"], photos)
    finally:
        keras.config.set_dtype_policy(before)
    expected = imagenet_utils.preprocess_input(photos.astype("float32"), mode="torch")
    np.testing.assert_allclose(done, expected, rtol=1e-5, atol=2e-5)


def test_mean_image_of_another_size():
    from residency.models import CIFARResNet

    with pytest.raises(ConfigError, match="16 pixels a side"):
        CIFARResNet(
            8, image_size=32, preprocessing=normalization(np.zeros((16, 16, 3)))
        )


@pytest.mark.parametrize("mean", [(1, 2), ((1, 2, 3),), 5])
def test_impossible_mean(mean):
    with pytest.raises(ConfigError, match="got the shape"):
        Preprocessing(name="x", mean=mean, std=(1, 1, 1))


def test_unknown_name():
    with pytest.raises(ConfigError, match="Did you mean 'torch'"):
        resolve("troch", PREPROCESSINGS["tf"])
