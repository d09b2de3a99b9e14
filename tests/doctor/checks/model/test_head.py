import keras
import pytest
from keras import layers

from residency.doctor.checks.model.head import read_head


@pytest.mark.parametrize(
    ("last", "activation", "units"),
    [
        ([layers.Dense(3)], "linear", 3),
        ([layers.Dense(3, activation="softmax")], "softmax", 3),
        ([layers.Dense(3), layers.Softmax()], "softmax", 3),
        ([layers.Dense(1), layers.Activation("sigmoid")], "sigmoid", 1),
        ([layers.Dense(4, activation="relu"), layers.Reshape((4,))], "relu", 4),
        ([layers.Dense(3), layers.BatchNormalization()], "linear", 3),
        ([layers.Dense(3), layers.Lambda(keras.ops.softmax)], "softmax", 3),
        ([layers.Dense(3, activation="tanh"), layers.Dropout(0.5)], "tanh", 3),
    ],
)
def test_what_comes_last(probe_of, table, last, activation, units):
    head = read_head(probe_of(last, table(), "mse"))
    assert (head.activation, head.units) == (activation, units)
    assert head.sums_to_one == (activation == "softmax")


def test_an_activation_that_nobody_knows_is_not_guessed(probe_of, table):
    def odd(x):
        return keras.ops.sigmoid(x) / 2

    head = read_head(probe_of([layers.Dense(3, activation=odd)], table(), "mse"))
    assert head.activation is None


def test_two_outputs_have_no_head(probe_of, table):
    x, y = table()
    given = keras.Input((8,))
    model = keras.Model(given, [layers.Dense(1)(given), layers.Dense(1)(given)])
    assert read_head(probe_of(model, (x, (y, y)), ["mse", "mse"])) is None
