"""Cures of inputs, against Keras' own preprocessing and closed forms."""

import keras
import numpy as np
import pytest
from keras.src.applications.imagenet_utils import preprocess_input

from residency.doctor.cures import inputs


@pytest.fixture
def pixels():
    random = np.random.default_rng(0)
    return random.integers(0, 256, (40, 6, 6, 3)).astype("float32")


def images(case_of, x):
    model = keras.Sequential(
        [keras.Input((6, 6, 3)), keras.layers.Conv2D(4, 3, name="conv")]
    )
    return case_of(model, x, np.arange(40) % 2, batch=40)


def treated(treatment, x):
    return treatment.read((x, None, None))[0]


@pytest.mark.parametrize("mode", ["caffe", "torch", "tf"])
def test_pixels_are_as_keras_makes_them(case_of, suspect, pixels, mode):
    finding = suspect("pretrained_preprocess_mismatch", expected=mode, layer="conv")
    cure = inputs.as_trained(finding, images(case_of, pixels / 255))
    right = preprocess_input(pixels.copy(), mode=mode)
    np.testing.assert_allclose(treated(cure, pixels / 255), right, atol=1e-3)


BLUE_FIRST = [103.939, 116.779, 123.68]


@pytest.mark.parametrize("means", [BLUE_FIRST, BLUE_FIRST[::-1]])
def test_red_comes_last_whatever_the_means_were(case_of, suspect, pixels, means):
    finding = suspect(
        "channel_order",
        mean=means,
        std=[1.0] * 3,
        expected_mean=BLUE_FIRST,
        expected_std=[1.0] * 3,
    )
    given = pixels - np.array(means, "float32")
    cure = inputs.channels_turned(finding, images(case_of, given))
    right = preprocess_input(pixels.copy(), mode="caffe")
    np.testing.assert_allclose(treated(cure, given), right, atol=1e-3)


def test_red_and_blue_are_exchanged_by_the_contract_alone(case_of, suspect, pixels):
    given = preprocess_input(pixels[..., ::-1].copy(), mode="torch")
    finding = suspect("channel_order", red_minus_blue=-9.0)
    cure = inputs.channels_turned(finding, images(case_of, given))
    right = preprocess_input(pixels.copy(), mode="torch")
    np.testing.assert_allclose(treated(cure, given), right, atol=1e-4)


def test_a_mistyped_mean_is_put_right(case_of, suspect, pixels):
    finding = suspect(
        "preprocess_constants",
        mean=[109.939, 116.779, 123.68],
        std=[1.0] * 3,
        expected_mean=BLUE_FIRST,
        expected_std=[1.0] * 3,
    )
    blue_first = pixels[..., ::-1]
    given = blue_first - np.array([109.939, 116.779, 123.68], "float32")
    cure = inputs.right_constants(finding, images(case_of, given))
    right = preprocess_input(pixels.copy(), mode="caffe")
    np.testing.assert_allclose(treated(cure, given), right, atol=1e-3)


def test_what_the_model_does_to_inputs_is_undone(case_of, suspect):
    """Inputs of 0..1 divided by 255 once more: the layer is to get deviation 1."""
    x = np.random.default_rng(0).random((40, 4)).astype("float32")
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Rescaling(1 / 255), keras.layers.Dense(2)]
    )
    case = case_of(model, x, np.arange(40) % 2)
    first = case.train.x[:32] / 255
    finding = suspect(
        "input_not_normalised", mean=float(first.mean()), std=float(first.std())
    )
    arrives = treated(inputs.standardised(finding, case), x) / 255
    assert abs(arrives.mean()) < 0.05
    assert arrives.std() == pytest.approx(1, abs=0.05)


def test_preprocessing_inside_the_model_is_left_alone(case_of, suspect, pixels):
    model = keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, name="conv"),
        ]
    )
    case = case_of(model, pixels, np.arange(40) % 2)
    finding = suspect("pretrained_preprocess_mismatch", expected="tf", layer="conv")
    assert inputs.as_trained(finding, case) is None
