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


@pytest.mark.parametrize(
    ("training", "validation", "severity"),
    [(0.01, 1.5, "warning"), (0.01, 0.5, "advice"), (0.4, 1.5, "advice")],
    ids=["by heart", "generalises", "not learned"],
)
def test_worse_than_a_guess_on_new_data(
    probe_of, with_trials, training, validation, severity
):
    probe = probe_of(flat(256), images(16), epochs=40)
    run = with_trials(
        probe,
        [0.7] * 40,
        rows=16,
        plain_last=training,
        held_out_loss=validation,
    )
    (found,) = check(run)
    assert found.severity == severity
    assert ("validation_loss" in found.evidence) == (severity == "warning")
