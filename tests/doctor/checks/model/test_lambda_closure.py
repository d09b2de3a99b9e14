import functools

import keras
from keras import layers

from residency.doctor.checks.model.lambda_closure import find


def grouped(make):
    given = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, activation="relu")(given)
    groups = make(x)
    x = layers.Concatenate()([layers.Conv2D(2, 3)(each) for each in groups])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(given, layers.Dense(4, activation="softmax")(x))


def late(x):
    return [
        layers.Lambda(lambda z: z[..., g * 2 : g * 2 + 2])(x)  # noqa: B023
        for g in range(4)
    ]


def bound(x):
    return [
        layers.Lambda(lambda z, g=g: z[..., g * 2 : g * 2 + 2])(x) for g in range(4)
    ]


def partial(x):
    def take(z, g):
        return z[..., g * 2 : g * 2 + 2]

    return [layers.Lambda(functools.partial(take, g=g))(x) for g in range(4)]


def test_a_loop_variable_that_is_read_late(probe_of, images):
    (found,) = find(probe_of(grouped(late), images()))
    assert (found.severity, found.label) == ("error", "disconnected_weights")
    assert (found.evidence["layers"], found.evidence["value"]) == (4, 3)


def test_values_that_are_bound(probe_of, images):
    assert find(probe_of(grouped(bound), images())) == []
    assert find(probe_of(grouped(partial), images())) == []


def test_one_function_on_different_inputs(probe_of, table):
    factor = 2
    model = []
    for _ in range(2):
        model += [layers.Dense(8), layers.Lambda(lambda z: z * factor)]
    assert (
        find(probe_of([*model, layers.Dense(3, activation="softmax")], table())) == []
    )
