"""Folded inference knows when what it was made of has changed."""

import keras
import numpy as np
import pytest
import torch
from keras import layers

from residency.engine.lowering import lower

from .parity import assert_same, scramble


@pytest.fixture
def model():
    inputs = keras.Input((9, 11, 6))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    found = keras.Model(inputs, layers.BatchNormalization(name="norm")(x))
    scramble(found)
    return found


X = torch.rand(2, 9, 11, 6, generator=torch.Generator().manual_seed(0))


def ones_like(value):
    return torch.ones_like(value.detach())


def by_file(model, folder):
    scramble(model, 5)
    model.save_weights(folder / "model.weights.h5")
    scramble(model, 6)
    with torch.no_grad():
        lower(model)(X)
    model.load_weights(folder / "model.weights.h5")


def by_inference(model, _):
    with torch.inference_mode():
        model.get_layer("conv").kernel.assign(np.ones((3, 3, 6, 4)))


def new_data(model, _):
    value = model.get_layer("conv").kernel.value
    value.data = ones_like(value)


def by_keras_optimizer(model, _):
    variable = model.get_layer("conv").kernel
    keras.optimizers.SGD(0.1).apply([ones_like(variable.value)], [variable])


def by_state(model, _):
    module = lower(model)
    module.load_state_dict({k: ones_like(v) for k, v in module.state_dict().items()})


CHANGES = {
    "assign": lambda m, _: m.get_layer("norm").gamma.assign([1, 2, 3, 4]),
    "statistics": lambda m, _: m.get_layer("norm").moving_variance.assign([1, 2, 3, 4]),
    "set_weights": lambda m, _: m.set_weights([v + 1 for v in m.get_weights()]),
    "load_weights": by_file,
    "load_state_dict": by_state,
    "inference mode": by_inference,
    "another tensor": new_data,
    "a Keras optimizer": by_keras_optimizer,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_counts_at_once(change, model, tmp_path):
    lowered = lower(model)
    with torch.no_grad():
        before = lowered(X)
        CHANGES[change](model, tmp_path)
        found, expected = lowered(X), model(X, training=False)
    assert not torch.allclose(found, before, atol=1e-2)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


OPTIMIZERS = {
    "one by one": {"foreach": False},
    "together": {"foreach": True},
    "fused": {"fused": True},  # torch does not count its changes
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_training_counts_with_every_kind_of_torch_optimizer(kind, model):
    model.get_layer("norm").trainable = False  # or its statistics would tell
    lowered = lower(model)
    parameters = [v.value for v in model.trainable_variables]
    optimizer = torch.optim.Adam(parameters, 0.1, **OPTIMIZERS[kind])
    with torch.no_grad():
        lowered(X)
    lowered(X, training=True).square().mean().backward()
    optimizer.step()
    with torch.no_grad():
        torch.testing.assert_close(
            lowered(X), model(X, training=False), rtol=1e-4, atol=1e-4
        )


def test_folding_in_channels_first_and_with_a_residual():
    first = {"data_format": "channels_first"}
    inputs = keras.Input((4, 8, 8))
    x = layers.Conv2D(4, 3, padding="same", **first)(inputs)
    x = layers.BatchNormalization(axis=1)(x)
    x = layers.ReLU()(layers.Add()([inputs, x]))
    assert_same(keras.Model(inputs, x), (3, 4, 8, 8))
