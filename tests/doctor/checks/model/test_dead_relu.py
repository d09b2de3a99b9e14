import keras
import numpy as np
import pytest
from keras import layers

from residency.doctor.checks.model.dead_relu import find
from residency.doctor.probe import take_probe


def head():
    return layers.Dense(3, activation="softmax")


def buried():
    bias = keras.initializers.Constant(-50)
    return layers.Dense(32, activation="relu", bias_initializer=bias)


def test_biases_that_kill_a_layer(probe_of, table):
    sick = buried()
    (found,) = find(probe_of([sick, head()], table()))
    assert (found.severity, found.evidence["dead_share"]) == ("error", 1.0)


def test_a_layer_that_is_mostly_dead(probe_of, table):
    layer = layers.Dense(40, activation="relu")
    model = keras.Sequential([keras.Input((8,)), layer, head()])
    signs = np.where(np.arange(40) < 36, -1, 1)
    layer.kernel.assign(np.abs(layer.kernel.numpy()) * signs)
    x, y = table()
    (found,) = find(probe_of(model, (np.abs(x), y)))
    assert (found.severity, found.evidence["dead_share"]) == ("warning", 0.9)


def test_fresh_layers_fire(probe_of, images, table):
    deep = [layers.Dense(32, activation="relu") for _ in range(6)]
    assert find(probe_of([*deep, head()], table())) == []
    conv = [layers.Conv2D(16, 3, activation="relu"), layers.Flatten(), layers.Dense(4)]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    x, y = images()
    assert find(probe_of(conv, (np.abs(x), y), loss)) == []


def test_frozen_layers_may_have_other_images(probe_of, table):
    sick = buried()
    sick.trainable = False
    assert find(probe_of([sick, head()], table())) == []


def test_a_narrow_layer_may_be_half_dead_by_chance(probe_of, table):
    layer = layers.Dense(4, activation="relu")
    model = keras.Sequential([keras.Input((8,)), layer, head()])
    kernel = np.abs(np.asarray(layer.kernel.numpy()))
    kernel[:, :3] *= -1
    layer.kernel.assign(kernel)
    x, y = table()
    assert find(probe_of(model, (np.abs(x), y))) == []


def test_units_that_die_in_the_first_steps_are_advice(table):
    """Targets far below pull all units down at once, further than the data reach."""
    x, y = table()
    last = layers.Dense(1, kernel_initializer="ones")
    hidden = layers.Dense(32, activation="relu")
    model = keras.Sequential([keras.Input((8,)), hidden, last])
    model.compile(keras.optimizers.Adam(5.0), "mse")
    data = (np.abs(x), y * 0.5 - 100)
    (found,) = find(take_probe(model, data, epochs=9, budget_seconds=3))
    assert (found.severity, found.evidence["dead_share"]) == ("advice", 1.0)


@pytest.mark.parametrize("apart", [False, True])
def test_a_gate_behind_a_gamma_of_zeros_waits(probe_of, images, apart):
    """Squeeze and excitation on a branch that begins as nothing: both wake at once."""
    x, y = images()
    model = gated(apart)
    assert find(probe_of(model, (x, y))) == []
    before = layer_of(model, "squeeze", x)
    assert not before.any()
    model.fit(x, y, epochs=2, verbose=0)
    assert layer_of(model, "squeeze", x).any()


def test_what_is_no_gate_never_wakes(probe_of, images):
    x, y = images()
    model = gated(False, multiplies=False)
    (found,) = find(probe_of(model, (x, y)))
    assert found.evidence["layer"] == "squeeze"
    model.fit(x, y, epochs=2, verbose=0)
    assert not layer_of(model, "squeeze", x).any()


def gated(apart, multiplies=True):
    given = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, activation="relu")(given)
    zeros = layers.BatchNormalization(gamma_initializer="zeros")(x)
    if not multiplies:  # no other way back to gamma
        wide = layers.GlobalAveragePooling2D()(zeros)
        gate = layers.Dense(16, activation="relu", name="squeeze")(wide)
        x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), gate])
        return keras.Model(given, layers.Dense(4, activation="softmax")(x))
    gate = layers.GlobalAveragePooling2D(keepdims=True)(zeros)
    if apart:
        gate = layers.ReLU(name="squeeze")(layers.Dense(16)(gate))
    else:
        gate = layers.Dense(16, activation="relu", name="squeeze")(gate)
    gate = layers.Dense(8, activation="sigmoid")(gate)
    x = layers.Add()([x, layers.Multiply()([zeros, gate])])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(given, layers.Dense(4, activation="softmax")(x))


def layer_of(model, name, x):
    part = keras.Model(model.inputs, model.get_layer(name).output)
    return part.predict(x, verbose=0)
