import keras
import numpy as np
import pytest

from residency.doctor.checks.data import input_not_normalised

run = input_not_normalised.CHECK.run
L = keras.layers


def conv():
    return [L.Conv2D(8, 3), L.ReLU(), L.GlobalAveragePooling2D(), L.Dense(4)]


def findings(probe_of, x, y, layers):
    loss = "sparse_categorical_crossentropy"
    return run(probe_of((x, y), layers=layers, loss=loss))


def test_raw_pixels_are_found(probe_of, pictures):
    x, y = pictures(64)
    (found,) = findings(probe_of, x, y, conv())
    assert (found.severity, found.label) == ("warning", "input_not_normalised")
    first = x[np.random.default_rng(0).permutation(64)[:32]]
    assert found.evidence["rms"] == pytest.approx(np.sqrt((first**2).mean()), rel=0.02)
    assert "Rescaling" in found.snippet


def test_pixels_divided_twice_are_found(probe_of, pictures):
    x, y = pictures(64)
    (found,) = findings(probe_of, x / 255, y, [L.Rescaling(1 / 255), *conv()])
    assert found.severity == "warning"
    assert found.evidence["max_abs"] <= 1 / 255 + 1e-6


def test_wide_columns_are_found(probe_of):
    x = np.random.default_rng(0).uniform(0, 10_000, (64, 3)).astype("float32")
    layers = [L.Dense(8, activation="relu"), L.Dense(4)]
    assert findings(probe_of, x, np.arange(64) % 4, layers)[0].severity == "warning"


@pytest.mark.parametrize(
    "front",
    [
        [L.Rescaling(1 / 255)],
        [L.Rescaling(1 / 127.5, offset=-1)],
        [L.BatchNormalization()],
        [L.LayerNormalization()],
    ],
)
def test_a_model_that_scales_itself_is_left_alone(probe_of, pictures, front):
    x, y = pictures(64)
    assert findings(probe_of, x, y, [*front, *conv()]) == []


def test_normalisation_behind_the_first_kernel_makes_it_advice(probe_of, pictures):
    x, y = pictures(64)
    layers = [L.Conv2D(8, 3, use_bias=False), L.BatchNormalization(), *conv()[1:]]
    assert [f.severity for f in findings(probe_of, x, y, layers)] == ["advice"]


@pytest.mark.parametrize("scale", [(255, 0), (127.5, 1), (58, 2)])
def test_usual_scales_are_silent(probe_of, pictures, scale):
    x, y = pictures(64)
    assert findings(probe_of, x / scale[0] - scale[1], y, conv()) == []


def test_dark_sparse_digits_are_silent(probe_of):
    x = (np.random.default_rng(0).random((64, 28, 28, 1)) < 0.02).astype("float32")
    assert findings(probe_of, x, np.arange(64) % 4, conv()) == []


def test_word_numbers_are_silent(probe_of):
    x = np.random.default_rng(0).integers(0, 900, (64, 12))
    layers = [L.Embedding(900, 8), L.GlobalAveragePooling1D(), L.Dense(4)]
    assert findings(probe_of, x, np.arange(64) % 4, layers) == []
