"""Parameters against images."""

import keras
import numpy as np
import pytest

from residency.doctor.checks.optimisation.overfitting_small_data import check


def images(count):
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 16, 16, 3)).astype("float32"), np.arange(count) % 2


def flat(units, **settings):
    return [keras.layers.Flatten(), keras.layers.Dense(units, **settings)]


@pytest.mark.parametrize(("units", "severity"), [(3000, "warning"), (256, "advice")])
def test_finds(probe_of, units, severity):
    (found,) = check(probe_of(flat(units), images(16)))
    assert (found.label, found.severity) == ("overfitting_small_data", severity)


@pytest.mark.parametrize(
    "layers",
    [
        [keras.layers.Conv2D(8, 3), keras.layers.GlobalAveragePooling2D()],
        flat(256, trainable=False),
        [*flat(256), keras.layers.Dropout(0.5)],
        flat(256, kernel_regularizer="l2"),
        [keras.layers.RandomFlip(), *flat(256)],
    ],
    ids=["small", "frozen", "dropout", "penalty", "augmented"],
)
def test_near_misses(probe_of, layers):
    assert check(probe_of(layers, images(16))) == []
