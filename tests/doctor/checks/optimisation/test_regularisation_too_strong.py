"""Penalty against loss."""

import keras
import numpy as np
import pytest

from residency.doctor.checks.optimisation.regularisation_too_strong import check
from residency.doctor.probe import take_probe


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


@pytest.mark.parametrize(
    ("data_loss", "without", "found"),
    [(1.38, 0.3, True), (0.9, 0.3, False), (1.38, 1.3, False)],
    ids=["prevents", "learns anyway", "learns no better without"],
)
def test_the_same_steps_without_penalties_decide(
    probe_of, with_trials, data_loss, without, found
):
    probe = probe_of([dense(keras.regularizers.L2(1e-4))])
    steps = np.linspace(1.39, without, 40)
    sick = with_trials(probe, [1.4] * 40, plain_last=data_loss, unpenalised=steps)
    assert [f.label for f in check(sick)] == ["regularisation_too_strong"] * found


def test_a_penalty_on_activations_that_prevents_learning():
    rng = np.random.default_rng(0)
    y = np.arange(256) % 2
    x = (rng.normal(0, 0.5, (256, 8)) + y[:, None]).astype("float32")
    found = {}
    for strength in (5.0, 1e-5):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.Input((8,)),
                keras.layers.Dense(
                    16,
                    activation="relu",
                    activity_regularizer=keras.regularizers.L1(strength),
                ),
                keras.layers.Dense(1, activation="sigmoid"),
            ]
        )
        model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
        probe = take_probe(model, (x, y), epochs=10, budget_seconds=120)
        found[strength] = [f.label for f in check(probe)]
    assert found == {5.0: ["regularisation_too_strong"], 1e-5: []}
