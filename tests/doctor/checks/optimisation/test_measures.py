"""Ends of curves, scales and the plan."""

import keras
import numpy as np

from residency.doctor.checks.optimisation.measures import (
    batch_rows,
    is_whole_plan,
    odd_scale,
    settled,
    trained_batch_norms,
)


def test_a_single_outlier_does_not_move_the_end():
    assert settled(np.array([2.0] * 10 + [1.0, 1.0, 1.0, 50.0, 1.0])) == 1.0


def test_scale_is_what_the_first_kernel_takes(probe_of):
    rng = np.random.default_rng(0)
    pixels = rng.uniform(0, 255, (64, 8)).astype("float32"), np.arange(64) % 4
    scaled = [keras.layers.Rescaling(1 / 255), keras.layers.Dense(4)]
    assert odd_scale(probe_of(data=pixels)) > 100
    assert odd_scale(probe_of(scaled, pixels)) is None


def test_plan_and_batch(probe_of, with_trials):
    probe = probe_of(epochs=5)
    assert batch_rows(probe) == 32
    assert is_whole_plan(with_trials(probe, [1.0] * 10))
    assert not is_whole_plan(with_trials(probe, [1.0] * 9))


def test_frozen_normalisations_do_not_train(probe_of):
    layers = [
        keras.layers.BatchNormalization(),
        keras.layers.BatchNormalization(trainable=False),
    ]
    assert len(trained_batch_norms(probe_of(layers))) == 1
