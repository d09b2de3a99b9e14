"""Batch normalization: statistics as Keras moves them, frozen, shared, in any dtype."""

import keras
import numpy as np
import pytest
import torch
from keras import layers

from residency.engine.lowering import lower
from residency.engine.lowering.normalization import BatchNorm
from residency.engine.native import batch_norm as native

from .parity import assert_same, float64, scramble


def normalizing(**options):
    inputs = keras.Input((6, 6, 4))
    norm = layers.BatchNormalization(**options)
    return keras.Model(inputs, layers.ReLU()(norm(inputs))), norm


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("momentum", [0.0, 0.9, 0.99, 1.0])
def test_statistics_move_by_the_biased_variance_and_the_momentum_set(dtype, momentum):
    options = {"momentum": momentum, "dtype": dtype}
    model, norm = normalizing(**options)
    x = torch.rand(2, 6, 6, 4, dtype=getattr(torch, dtype))
    lower(model)(x, training=True)
    batch = x.numpy().reshape(-1, 4)
    share = 1 - momentum
    np.testing.assert_allclose(norm.moving_mean, share * batch.mean(0), rtol=1e-5)
    np.testing.assert_allclose(
        norm.moving_variance, momentum + share * batch.var(0), rtol=1e-5
    )


def test_a_momentum_set_later_counts():
    model, norm = normalizing(momentum=0.5)
    lowered = lower(model)
    norm.momentum = 1.0
    lowered(torch.rand(2, 6, 6, 4), training=True)
    np.testing.assert_array_equal(norm.moving_mean, np.zeros(4))


def freeze_layer(model):
    model.get_layer("inner").get_layer("norm").trainable = False


def freeze_inner_model(model):
    model.get_layer("inner").trainable = False


def freeze_model(model):
    model.trainable = False


def freeze_all_but_one(model):
    model.trainable = False
    model.get_layer("inner").get_layer("norm").trainable = True


@pytest.mark.parametrize(
    "freeze", [freeze_layer, freeze_inner_model, freeze_model, freeze_all_but_one]
)
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_frozen_layers_and_models_keep_their_statistics(freeze, before):
    inner_inputs = keras.Input((6, 6, 4))
    x = layers.Conv2D(4, 3)(inner_inputs)
    x = layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    inner = keras.Model(inner_inputs, x, name="inner")
    inputs = keras.Input((6, 6, 4))
    x = layers.BatchNormalization(name="outer")(inner(inputs))
    model = keras.Model(inputs, layers.Dense(2)(layers.ReLU()(x)))
    if not before:
        lower(model)
    freeze(model)
    assert_same(model, (3, 6, 6, 4))
    norm = inner.get_layer("norm")
    mean = norm.moving_mean.numpy().copy()
    lower(model)(torch.rand(3, 6, 6, 4), training=True)
    moved = not np.array_equal(norm.moving_mean.numpy(), mean)
    assert moved == norm.trainable


@pytest.mark.parametrize("exact", [False, True], ids=["float32", "float64"])
def test_one_layer_used_twice_moves_twice(exact):
    def build():
        inputs = keras.Input((6, 6, 4))
        norm = layers.BatchNormalization(momentum=0.7)
        x = layers.ReLU()(norm(layers.Conv2D(4, 1)(norm(inputs))))
        return keras.Model(inputs, x)

    if not exact:
        return assert_same(build(), (3, 6, 6, 4))
    with float64():
        return assert_same(build(), (3, 6, 6, 4), tolerance=1e-12, gradients=1e-10)


def test_synchronized_statistics_are_refused_by_keras_itself():
    with pytest.raises(ValueError, match="TensorFlow"):
        layers.BatchNormalization(synchronized=True)


# what one rounding of the narrow type is, and some of them after one another
POLICIES = {"mixed_bfloat16": 2e-2, "mixed_float16": 3e-3, "bfloat16": 4e-2}


@pytest.mark.parametrize("policy", POLICIES)
def test_narrow_policies_normalize_in_float32_as_keras_does(policy):
    inputs = keras.Input((6, 6, 4), dtype="float32")
    x = layers.Conv2D(4, 3, dtype=policy)(inputs)
    norm = layers.BatchNormalization(momentum=0.5, dtype=policy)
    model = keras.Model(inputs, layers.ReLU(dtype=policy)(norm(x)))
    assert_same(model, (3, 6, 6, 4), tolerance=POLICIES[policy], gradients=0.1)


def test_gradients_of_gradients_are_those_of_keras():
    inputs = keras.Input((6, 6, 4))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(inputs))
    x = layers.ReLU()(layers.Add()([x, inputs]))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3)(x)))
    model = keras.Model(inputs, layers.Dense(1)(layers.Flatten()(x)))
    scramble(model)
    found = []
    for run in (model, lower(model)):
        images = torch.rand(
            3, 6, 6, 4, generator=torch.Generator().manual_seed(0)
        ).requires_grad_()
        model.zero_grad()
        score = run(images, training=True).square().sum()
        (slope,) = torch.autograd.grad(score, images, create_graph=True)
        slope.square().sum().backward()
        found.append([v.value.grad.clone() for v in model.trainable_variables[:-1]])
    scale = max(float(gradient.abs().max()) for gradient in found[0])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-4 * scale)


def block(x, filters=16, strides=1, padding="same", conv=None, norm=None):
    x = layers.Conv2D(filters, 3, strides, padding, **(conv or {}))(x)
    return layers.BatchNormalization(momentum=0.5, **(norm or {}))(x)


def residual(x):
    x = layers.ReLU()(block(x))
    return layers.ReLU()(layers.Add()([block(x), x]))


def smaller(x):
    return layers.GlobalAveragePooling2D(keepdims=True)(x)


AS_ONE = {
    "plain": (lambda x: layers.ReLU()(block(x)), 1),
    "no activation": (block, 1),
    "uneven zeros": (lambda x: layers.ReLU()(block(x, strides=2)), 1),
    "no zeros": (lambda x: block(x, padding="valid", norm={"scale": False}), 1),
    "residual": (residual, 2),
    "wider residual": (lambda x: layers.ReLU()(layers.Add()([block(x), x])), 0),
    "smaller residual": (
        lambda x: layers.ReLU()(layers.Add()([block(x), smaller(x)])),
        0,
    ),
    "leaky": (
        lambda x: layers.LeakyReLU()(block(block(x), conv={"use_bias": False})),
        2,
    ),
    "frozen kernel": (lambda x: block(x, conv={"trainable": False}), 1),
    "frozen statistics": (lambda x: block(x, norm={"trainable": False}), 0),
    "groups": (lambda x: block(x, conv={"groups": 2}), 0),
    "dilated": (lambda x: block(x, conv={"dilation_rate": 2}), 0),
    "pooled": (lambda x: block(smaller(x)), 1),
}
"""A network on 16 channels, and how many pairs run as one where there is a kernel."""


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("case", AS_ONE)
def test_a_convolution_and_its_normalization_as_one(case, narrow, monkeypatch):
    build, expected = AS_ONE[case]
    if case == "wider residual" and not narrow:
        expected = 1  # all is float32
    inputs = keras.Input((7, 8, 16))
    model = keras.Model(inputs, build(inputs))
    scramble(model)
    start = [v.numpy().copy() for v in model.variables]
    x = torch.rand(3, 7, 8, 16, generator=torch.Generator().manual_seed(0)) - 0.5
    joined = []
    after = BatchNorm.after

    def counted(*arguments, **named):
        y = after(*arguments, **named)
        joined.append(y is not None)
        return y

    found = []
    for method in (counted, lambda *_, **__: None):
        monkeypatch.setattr(BatchNorm, "after", method)
        for variable, value in zip(model.variables, start, strict=True):
            variable.assign(value)
        model.zero_grad()
        images = x.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
            y = lower(model)(images, training=True)
        y.float().square().sum().backward()
        gradients = [v.value.grad for v in model.trainable_variables]
        moved = [v.value.clone() for v in model.non_trainable_variables]
        found.append([y, images.grad, *gradients, *moved])
    for one, other in zip(*found, strict=True):
        assert one.dtype == other.dtype
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert sum(joined) == (expected if native.unavailable() is None else 0)
