"""A Keras model and its lowered form on the same weights: how far apart they are."""

import sys
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np
import torch

from residency.engine.lowering import lower


@dataclass(frozen=True, kw_only=True)
class Differences:
    """Relative differences; the scale is the largest value that Keras gives."""

    inference: float
    """Of the outputs with `training=False`."""
    training: float
    """Of the outputs with `training=True`."""
    gradients: float
    """Of all gradients together, those of the inputs too; by their norm."""
    worst_gradient: float
    """Of the gradient of one variable; the smallest count as a millionth of all."""
    moved: float
    """Of what a training pass moves: statistics, random states."""


def differences(model, inputs):
    """Compares one inference and one training pass; leaves the model as it was.

    Args:
        model: Any built model.
        inputs: A tensor, or what else the model takes.
    """
    lowered = lower(model)
    with torch.no_grad():
        expected = model(inputs, training=False)
        inference = _largest(flat(lowered(inputs)), flat(expected))
    outputs, gradients, moved = step(model, model, inputs)
    found_outputs, found_gradients, found_moved = step(model, lowered, inputs)
    assert found_gradients.keys() == gradients.keys()
    pairs = [
        (found_gradients[name].double(), gradients[name].double()) for name in gradients
    ]
    return Differences(
        inference=inference,
        training=_largest(found_outputs, outputs),
        gradients=_together(*zip(*pairs, strict=True)),
        worst_gradient=_worst(pairs),
        moved=_largest(found_moved, moved),
    )


@dataclass(frozen=True, kw_only=True)
class Rounding:
    """One training pass in float32: how far Keras and lowered are from float64."""

    keras_outputs: float
    lowered_outputs: float
    keras_gradients: float
    """Smaller ones than this one may be luck: rounding switches ReLUs, or does not."""
    lowered_gradients: float


def rounding(build, shape, largest=1.0):
    """Measures what float32 costs, in Keras and lowered; dropout is off.

    Args:
        build: Returns the same architecture at each call.
        shape: Of the inputs, `(batch, height, width, channels)`.
        largest: Of the inputs.
    """
    narrow = without_dropout(build())
    scramble(narrow)
    inputs = random_inputs(narrow, shape, largest)
    with float64():
        wide = without_dropout(build())
        wide.set_weights(narrow.get_weights())
        exact = step(wide, wide, inputs.double())
    found = {}
    for name, run in {"keras": narrow, "lowered": lower(narrow)}.items():
        outputs, gradients, _ = step(narrow, run, inputs)
        found[f"{name}_outputs"] = _together(outputs, exact[0])
        found[f"{name}_gradients"] = _together(
            list(gradients.values()), list(exact[1].values())
        )
    return Rounding(**found)


def without_dropout(model):
    """Sets all rates to 0: torch draws other numbers in float64 than in float32."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    return model


def assert_same(
    model, shape, *, tolerance=2e-5, gradients=2e-3, kept=(), largest=2.0, seed=0
):
    """Compares on random weights and inputs of one shape, or of a list of shapes."""
    scramble(model, seed)
    assert lower(model).kept == kept
    inputs = random_inputs(model, shape, largest)
    found = differences(model, inputs)
    assert found.inference <= tolerance
    assert found.training <= 10 * tolerance
    assert found.moved <= tolerance
    assert found.gradients <= gradients
    if gradients < 1e-6:  # float64; in float32 a gradient that is 0 is all noise
        assert found.worst_gradient <= 100 * gradients


def random_inputs(model, shape, largest=1.0):
    """Returns uniform values in `[0, largest)`, in the dtypes of the model's inputs."""
    generator = torch.Generator().manual_seed(0)
    several = isinstance(shape, list)
    given = [
        (torch.rand(wanted, generator=generator, dtype=torch.float64) * largest).to(
            getattr(torch, x.dtype)
        )
        for wanted, x in zip(shape if several else [shape], model.inputs, strict=True)
    ]
    return given if several else given[0]


def scramble(model, seed=0):
    """Gives every variable values of a sensible size, statistics too."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if "seed" in variable.path:
            continue
        values = rng.normal(size=variable.shape)
        if "variance" in variable.path:
            values = np.exp(0.2 * values)
        elif "gamma" in variable.path:
            values = 1 + 0.1 * values
        elif "kernel" in variable.path:
            inputs = np.prod(variable.shape[: 2 if "depth" in variable.path else -1])
            values *= np.sqrt(1.6 / inputs)
        else:
            values *= 0.1
        variable.assign(values)


def step(model, run, inputs):
    """Returns outputs, gradients and moved values of one training pass, undone after.

    Keras and the lowered module draw the same random numbers from the same seeds.
    """
    keras.utils.set_random_seed(0)
    before = [v.value.detach().clone() for v in model.variables]
    model.zero_grad()
    inputs = keras.tree.map_structure(
        lambda x: x.clone().requires_grad_(x.is_floating_point()), inputs
    )
    y = run(inputs, training=True)
    loss = sum((_weights(t) * t).sum() for t in flat(y)) + sum(model.losses)
    loss.backward()
    gradients = {
        v.path: v.value.grad.clone()
        for v in model.trainable_variables
        if v.value.grad is not None
    }
    for number, x in enumerate(flat(inputs)):
        if x.grad is not None:
            gradients[f"input {number}"] = x.grad
    moved = [v.value.detach().clone() for v in model.non_trainable_variables]
    for variable, value in zip(model.variables, before, strict=True):
        variable.assign(value)
    model.zero_grad()
    return [t.detach() for t in flat(y)], gradients, moved


def flat(outputs):
    return keras.tree.flatten(outputs)


@contextmanager
def float64():
    """Makes Keras compute in float64, also where it would do so in float32.

    Its torch backend promotes float64 and float32 to float32, so that batch
    normalization and others compute in float32 under a float64 policy.
    """
    promote = keras.backend.result_type
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()

    def exact(*dtypes):
        given = [str(dtype).removeprefix("torch.") for dtype in dtypes]
        return "float64" if "float64" in given else promote(*dtypes)

    holders = [
        module
        for module in list(sys.modules.values())
        if module.__name__.startswith("keras")
        and vars(module).get("result_type") is promote
    ]
    try:
        for module in holders:
            module.result_type = exact
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")
        yield
    finally:
        for module in holders:
            module.result_type = promote
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


def _weights(t):
    """Returns what each output counts in the loss of `step`."""
    return torch.linspace(-1, 1, t.numel(), dtype=t.dtype).view_as(t)


def _largest(found, expected):
    pairs = list(zip(found, expected, strict=True))
    assert all(a.dtype == b.dtype and a.shape == b.shape for a, b in pairs)
    return max((_relative(a.double(), b.double()) for a, b in pairs), default=0.0)


def _relative(found, expected):
    assert bool(expected.isfinite().all())
    if expected.numel() == 0:
        return 0.0
    return float((found - expected).abs().max() / (expected.abs().max() + 1e-6))


def _worst(pairs):
    least = 1e-6 * sum(float(expected.norm()) ** 2 for _, expected in pairs) ** 0.5
    return max(
        (
            float((found - expected).norm()) / max(float(expected.norm()), least)
            for found, expected in pairs
            if least
        ),
        default=0.0,
    )


def _together(found, expected):
    off = sum(
        float((a.double() - b.double()).norm()) ** 2
        for a, b in zip(found, expected, strict=True)
    )
    size = sum(float(b.double().norm()) ** 2 for b in expected)
    return (off / size) ** 0.5 if size else 0.0
