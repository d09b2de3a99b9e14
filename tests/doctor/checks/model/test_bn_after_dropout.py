import numpy as np
import pytest
from keras import layers

from residency.doctor.checks.model.bn_after_dropout import find


def test_dropout_in_front_of_normalisation(probe_of, table):
    for between in ([], [layers.Dense(8)]):
        model = [layers.Dense(16, activation="relu"), layers.Dropout(0.5), *between]
        model += [layers.BatchNormalization(), layers.Dense(3, activation="softmax")]
        assert [f.severity for f in find(probe_of(model, table()))] == ["advice"]


def test_dropout_behind_normalisation_or_far_before(probe_of, table):
    model = [layers.Dense(16), layers.BatchNormalization(), layers.Dropout(0.5)]
    model += [layers.Dense(8, activation="relu"), layers.Dense(8)]
    model += [layers.BatchNormalization(), layers.Dense(3, activation="softmax")]
    assert find(probe_of(model, table())) == []


def test_dropout_makes_the_variance_larger():
    """What the finding says, with numbers: variance and mean square over 1 - rate."""
    x = np.random.default_rng(0).normal(1, 1, (1000, 100)).astype("float32")
    y = np.asarray(layers.Dropout(0.5, seed=0)(x, training=True).detach())
    assert y.var() == pytest.approx(x.var() + (x**2).mean(), rel=0.02)
