"""Advice alone."""

import keras
import pytest

from residency.doctor.checks.optimisation.optimizer_choice import check


def deep():
    return [keras.layers.Dense(8, activation="relu") for _ in range(5)]


@pytest.mark.parametrize("optimizer", ["adadelta", "adagrad", "sgd"])
def test_rare_ones_are_advice(probe_of, optimizer):
    (found,) = check(probe_of(deep(), optimizer=optimizer))
    assert (found.label, found.severity) == ("optimizer_choice", "advice")


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop"])
def test_usual_ones(probe_of, optimizer):
    assert check(probe_of(deep(), optimizer=optimizer)) == []


def test_plain_descent_is_fine_in_a_shallow_network(probe_of):
    assert check(probe_of(optimizer="sgd")) == []
