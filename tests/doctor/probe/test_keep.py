import random

import keras
import numpy as np
import pytest
import torch
from keras import layers

from residency.doctor.probe import take_probe
from residency.doctor.probe.keep import Weights, _same, unchanged


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(48, 8, 8, 3)).astype("float32")
    return x, rng.integers(0, 3, 48)


@pytest.fixture
def model(data):
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.RandomFlip(),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ]
    )
    adam = keras.optimizers.Adam(1e-3)
    model.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*data, epochs=1, verbose=0)  # so that there is a state to lose
    return model


def values(model):
    held = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    return [np.array(keras.ops.convert_to_numpy(v)) for v in held]


def test_a_probe_leaves_all_as_it_was(model, data):
    before, grads = values(model), [v.value.grad for v in model.trainable_variables]
    states = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()
    found = take_probe(model, data, data, epochs=2, budget_seconds=2)
    assert found.raised == {}
    assert found.trials.as_set.losses
    after = values(model)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    now = [v.value.grad for v in model.trainable_variables]
    assert all(a is b for a, b in zip(grads, now, strict=True))
    assert random.getstate() == states[0]
    assert np.array_equal(np.random.get_state()[1], states[1])
    assert torch.equal(torch.get_rng_state(), states[2])


def test_training_goes_on_as_if_nothing_had_been(model, data):
    twin = keras.models.clone_model(model)
    twin.compile(
        keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["acc"]
    )
    twin.fit(*data, epochs=1, verbose=0)
    ours = [*model.variables, *model.optimizer.variables]
    theirs = [*twin.variables, *twin.optimizer.variables]
    for a, b in zip(theirs, ours, strict=True):
        a.assign(b.value)
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)
    take_probe(model, data, budget_seconds=2)
    one = model.train_on_batch(data[0][:16], data[1][:16])
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    two = twin.train_on_batch(data[0][:16], data[1][:16])
    np.testing.assert_array_equal(one, two)


def test_an_error_gives_all_back_too(model):
    def spoil():
        with unchanged(model):
            model.variables[0].assign(model.variables[0] * 0)
            raise RuntimeError

    before = values(model)
    with pytest.raises(RuntimeError):
        spoil()
    assert all(np.array_equal(a, b) for a, b in zip(before, values(model), strict=True))


def test_weights_that_are_no_numbers_come_back():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    kernel = model.layers[0].kernel
    kernel.assign([[np.nan], [1.0]])
    weights = Weights(model)
    kernel.assign([[0.0], [2.0]])
    weights.give_back()
    np.testing.assert_array_equal(kernel.numpy(), [[np.nan], [1.0]])


def test_the_seed_of_keras_comes_back():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    keras.utils.set_random_seed(3)
    keras.random.normal((2,))
    with unchanged(model):
        inside = keras.ops.convert_to_numpy(keras.random.normal((4,)))
    after = keras.ops.convert_to_numpy(keras.random.normal((4,)))
    np.testing.assert_array_equal(inside, after)


@pytest.mark.parametrize("place", [0, -1])
def test_one_bit_anywhere_is_put_back(place):
    """Bits count: a NaN stays one, and 0 is not -0."""
    model = keras.Sequential([keras.Input((1100,)), layers.Dense(1100)])  # above 2**20
    model.layers[0].bias.assign(np.full(1100, np.nan, "float32"))
    kernel = np.array(model.layers[0].kernel)
    kernel.flat[place] = 0
    model.layers[0].kernel.assign(kernel)
    before = Weights(model)
    moved = kernel.copy()
    moved.flat[place] = -0.0
    model.layers[0].kernel.assign(moved)
    before.give_back()
    found = np.array(model.layers[0].kernel)
    np.testing.assert_array_equal(found, kernel)
    assert not np.signbit(found.flat[place])
    assert np.isnan(np.array(model.layers[0].bias)).all()


@pytest.mark.parametrize("values", [np.array(["a", "b"], object), np.ones(3, "c16")])
def test_numbers_of_any_kind_are_compared(values):
    other = values.copy()
    assert _same(other, values)
    other[-1] = values[0] * 2
    assert not _same(other, values)
