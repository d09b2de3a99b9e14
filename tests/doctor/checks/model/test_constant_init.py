import keras
import pytest
from keras import layers

from residency.doctor.checks.model.constant_init import find


def dense(units=16, init="glorot_uniform", activation="relu"):
    return layers.Dense(units, activation=activation, kernel_initializer=init)


@pytest.mark.parametrize(
    ("init", "activation", "severity"),
    [
        ("zeros", "relu", "error"),
        ("zeros", "tanh", "warning"),
        ("ones", "relu", "warning"),
    ],
)
def test_hidden_kernels_that_are_constant(probe_of, table, init, activation, severity):
    model = [dense(init=init, activation=activation), dense(3, activation="softmax")]
    (found,) = find(probe_of(model, table()))
    assert found.severity == severity


def test_units_with_the_same_weights(probe_of, table):
    model = keras.Sequential(
        [keras.Input((8,)), dense(), dense(3, activation="softmax")]
    )
    kernel = model.layers[0].kernel
    kernel.assign(keras.ops.repeat(kernel[:, :1], 16, axis=1))
    assert len(find(probe_of(model, table()))) == 1


def test_convolutions_through_pooling(probe_of, images):
    model = [layers.Conv2D(8, 3, kernel_initializer="zeros"), layers.ReLU()]
    model += [layers.MaxPooling2D(), layers.Flatten(), dense(4, activation="softmax")]
    assert [f.severity for f in find(probe_of(model, images()))] == ["error"]


def test_last_layers_and_branches_may_start_at_zero(probe_of, table):
    alone = [dense(3, "zeros", "softmax")]
    last = [dense(), dense(3, "zeros", "softmax")]
    for model in (alone, last, [dense(), dense(3, activation="softmax")]):
        assert find(probe_of(model, table())) == []
    given = keras.Input((8,))
    x = dense(8)(given)
    x = layers.Add()([x, dense(8, "zeros", None)(dense(8)(x))])
    model = keras.Model(given, dense(3, activation="softmax")(x))
    assert find(probe_of(model, table())) == []
