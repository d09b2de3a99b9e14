"""Gradients of one batch, variable by variable."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from residency.doctor.probe.source import Batch
from residency.doctor.probe.stepper import Stepper


@dataclass(frozen=True, slots=True)
class Gradient:
    """The gradient of one trainable variable."""

    layer: str
    """Name of the layer that holds it."""
    name: str
    """Such as `"kernel"`, `"bias"`, `"gamma"`."""
    shape: tuple[int, ...]
    rms: float
    """Root of the mean square; 0 where the loss does not depend on it."""
    weight_rms: float
    finite: bool
    zero_inputs: np.ndarray
    """Of kernels `(..., inputs, outputs)`: inputs whose gradients are all exactly 0."""
    zero_outputs: np.ndarray
    """Last axis: entries whose gradients are all exactly 0."""


@dataclass(frozen=True, slots=True)
class Gradients:
    """The loss of a batch in training mode, and what moves it."""

    loss: float
    penalty: float
    """Part of `loss` that regularizers and layers add."""
    by_path: Mapping[str, Gradient]


def measure_gradients(stepper: Stepper, batch: Batch) -> Gradients:
    """Measures one batch; moves statistics, which the caller puts back.

    Raises:
        Exception: What the model or its loss raises.
    """
    model = stepper.model
    loss, found = stepper.gradients(batch)
    penalty = penalty_of(model)
    owners = _owners(model)
    by_path = {}
    for variable, gradient in zip(model.trainable_variables, found, strict=True):
        value = np.array(keras.ops.convert_to_numpy(variable))
        array = (
            np.zeros_like(value)
            if gradient is None
            else np.array(keras.ops.convert_to_numpy(gradient))
        )
        by_path[variable.path] = _gradient(
            owners.get(id(variable), str(variable.path)), variable.name, value, array
        )
    return Gradients(loss, penalty, by_path)


def _gradient(
    layer: str, name: str, value: np.ndarray, gradient: np.ndarray
) -> Gradient:
    zero = gradient == 0
    outputs = zero.reshape(-1, zero.shape[-1]).all(axis=0) if zero.ndim else zero
    inputs = np.zeros(0, bool)
    if zero.ndim >= 2:
        moved = np.moveaxis(zero, -2, -1)
        inputs = moved.reshape(-1, moved.shape[-1]).all(axis=0)
    return Gradient(
        layer=layer,
        name=name,
        shape=value.shape,
        rms=_rms(gradient),
        weight_rms=_rms(value),
        finite=bool(np.isfinite(gradient).all()),
        zero_inputs=inputs,
        zero_outputs=np.atleast_1d(outputs),
    )


def _rms(array: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        return float(np.sqrt(np.mean(np.square(array, dtype="float64"))))


def _owners(model: keras.Model) -> dict[int, str]:
    owners: dict[int, str] = {}
    for layer in model._flatten_layers():
        for variable in (*layer._trainable_variables, *layer._non_trainable_variables):
            owners[id(variable)] = layer.name
    return owners


def penalty_of(model: Any) -> float:
    """Returns what the regularizers of weights add to the loss, at these weights."""
    found: list[Any] = [
        keras.ops.convert_to_numpy(variable.regularizer(variable))
        for variable in model.trainable_variables
        if getattr(variable, "regularizer", None) is not None
    ]
    return float(sum(np.sum(each) for each in found))
