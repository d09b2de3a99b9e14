import keras
import pytest
from keras import layers

from residency.doctor.checks.model.init_scale_bad import find


def net(init, normalised=False):
    model = [layers.Dense(256, kernel_initializer=init)]
    model += [layers.BatchNormalization()] if normalised else []
    return [*model, layers.ReLU(), layers.Dense(3, activation="softmax")]


def normal(mean, stddev):
    return keras.initializers.RandomNormal(mean, stddev)


@pytest.mark.parametrize(
    ("mean", "stddev", "word"),
    [(0, 1, "large"), (0, 1e-4, "small"), (0.2, 0.05, "one sign")],
)
def test_weights_of_another_scale(probe_of, table, mean, stddev, word):
    data = table(width=400)
    (found,) = find(probe_of(net(normal(mean, stddev)), data))
    assert word in found.title
    expected = (400 * (mean**2 + stddev**2)) ** 0.5
    assert found.evidence["gain"] == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    "init",
    [
        *("glorot_uniform", "he_normal", "lecun_uniform", "orthogonal"),
        *("random_normal", "random_uniform", normal(0, 0.01)),
    ],
)
@pytest.mark.parametrize("width", [8, 400])
def test_usual_weights(probe_of, table, init, width):
    assert find(probe_of(net(init), table(width=width))) == []


def test_what_normalisation_rescales(probe_of, table):
    data = table(width=400)
    assert find(probe_of(net(normal(0, 1), normalised=True), data)) == []


def test_small_last_layers(probe_of, table):
    last = layers.Dense(3, activation="softmax", kernel_initializer=normal(0, 1e-4))
    model = [layers.Dense(16, activation="relu"), last]
    assert find(probe_of(model, table())) == []
