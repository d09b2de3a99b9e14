import keras
import numpy as np
import pytest

from residency.doctor.checks.transfer import training_flag_ignored
from residency.doctor.probe import take_probe

run = training_flag_ignored.CHECK.run
L = keras.layers


class Own(keras.layers.Layer):
    """A layer that hands on the mode it is called in."""

    def __init__(self, norm):
        super().__init__()
        self.norm = norm

    def build(self, shape):
        self.norm.build(shape)

    def call(self, x, training=None):
        return self.norm(x, training=training)


class Inside(keras.Model):
    """A model whose own `call` names the mode."""

    def __init__(self, norm):
        super().__init__()
        self.norm, self.last = norm, L.Dense(3, activation="softmax")

    def call(self, x, training=None):
        return self.last(self.norm(x, training=False))


def functional(layer):
    given = keras.Input((6,))
    return keras.Model(given, layer(given))


WAYS = {
    "layer": lambda layer: layer,
    "functional": functional,
    "sequential": lambda layer: keras.Sequential([keras.Input((6,)), layer]),
    "nested": lambda layer: functional(functional(layer)),
    "own": Own,
}


def around(base, asked):
    given = keras.Input((6,))
    x = base(given) if asked is None else base(given, training=asked)
    return keras.Model(given, L.Dense(3, activation="softmax")(x))


def data(count=48):
    x = np.random.default_rng(0).normal(3, 2, (count, 6)).astype("float32")
    return x, np.arange(count) % 3


def findings(model):
    model.compile("sgd", "sparse_categorical_crossentropy")
    return run(take_probe(model, data(), budget_seconds=20, trials=False))


def moves(model, norm):
    """Fits for an epoch; tells whether the layer's statistics moved."""
    before = np.array(norm.moving_mean)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(*data(), verbose=0)
    return not np.array_equal(before, np.array(norm.moving_mean))


@pytest.mark.parametrize("trainable", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_it_is_found_where_fit_trains_the_layer(way, trainable):
    norm = L.BatchNormalization()
    base = WAYS[way](norm)
    model = around(base, asked=False)
    base.trainable = trainable
    found = findings(model)
    assert moves(model, norm) == trainable  # what Keras does
    assert [f.evidence["layers"] for f in found] == [1] * trainable


def test_a_call_of_ones_own_is_obeyed_and_silent():
    norm = L.BatchNormalization()
    model = Inside(norm)
    model(data()[0])
    assert findings(model) == []
    assert not moves(model, norm)


@pytest.mark.parametrize("asked", [None, True])
def test_other_modes_are_not_meant(asked):
    assert findings(around(L.BatchNormalization(), asked)) == []


def test_it_is_a_warning_where_the_statistics_were_trained():
    norm = L.BatchNormalization()
    model = around(functional(norm), asked=False)
    (found,) = findings(model)
    assert found.severity == "advice"
    norm.moving_mean.assign(np.full(6, 3.0))
    (found,) = findings(model)
    assert found.severity == "warning"


def test_a_frozen_network_may_hold_dropout():
    parts = [keras.Input((6,)), L.BatchNormalization(), L.Dropout(0.2)]
    base = keras.Sequential(parts)
    base.trainable = False
    assert findings(around(base, asked=False)) == []


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_dropout_acts_as_the_model_runs(asked, rate):
    given = keras.Input((6,))
    model = keras.Model(given, functional(L.Dropout(rate))(given, training=asked))
    found = findings(model)
    assert [f.severity for f in found] == ["advice"] * (rate > 0)
    x = data()[0]
    runs = [np.array(model(x, training=not asked)) for _ in range(2)]
    assert np.array_equal(*runs) == (rate == 0 or asked)


def test_a_plain_dropout_is_silent():
    assert findings(around(L.Dropout(0.5), None)) == []


def test_monte_carlo_dropout_needs_the_model_itself():
    """The cure: `model(x)` names no mode, and what the graph recorded holds."""
    given = keras.Input((6,))
    model = keras.Model(given, L.Dropout(0.5)(given, training=True))
    x = data()[0]
    assert np.array_equal(model.predict(x, verbose=0), x)
    assert not np.array_equal(np.array(model(x)), x)
