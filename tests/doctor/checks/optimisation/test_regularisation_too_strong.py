"""Penalty against loss."""

import keras
import pytest

from residency.doctor.checks.optimisation.regularisation_too_strong import check


def dense(penalty):
    return keras.layers.Dense(256, activation="relu", kernel_regularizer=penalty)


@pytest.mark.parametrize(
    "penalty",
    [
        keras.regularizers.L1(0.05),
        keras.regularizers.L2(1.0),
        keras.regularizers.L1L2(0.05, 0.01),
    ],
)
def test_finds_a_penalty_that_rules(probe_of, penalty):
    (found,) = check(probe_of([dense(penalty)]))
    assert (found.label, found.severity) == ("regularisation_too_strong", "warning")
    assert found.evidence["ratio"] > 2


@pytest.mark.parametrize(
    "penalty",
    [
        None,
        keras.regularizers.L2(0.01),
        keras.regularizers.L2(5e-4),
        keras.regularizers.L1(1e-5),
    ],
)
def test_near_misses(probe_of, penalty):
    assert check(probe_of([dense(penalty)])) == []


def test_the_papers_decay_in_a_deep_normalised_network(probe_of):
    layers = []
    for _ in range(8):
        layers += [
            dense(keras.regularizers.L2(5e-4)),
            keras.layers.BatchNormalization(),
        ]
    assert check(probe_of(layers)) == []
