"""Gradients of one batch, variable by variable."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from residency.doctor.probe.source import Batch
from residency.doctor.probe.stepper import Stepper
from residency.doctor.probe.views import view_of


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
    zero_outputs: np.ndarray
    """Channels of the output whose gradients are all exactly 0: the last axis, and the
    one before it in kernels of transposed convolutions."""


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
        value = view_of(variable)
        array = np.zeros_like(value) if gradient is None else view_of(gradient)
        owner = owners.get(id(variable))
        by_path[variable.path] = _gradient(
            owner.name if owner else str(variable.path),
            variable.name,
            value,
            array,
            _output_axis(owner, value),
        )
    return Gradients(loss, penalty, by_path)


def _output_axis(owner: keras.Layer | None, value: np.ndarray) -> int:
    transposed = "Transpose" in type(owner).__name__ and value.ndim > 1
    return -2 if transposed else -1


def _gradient(
    layer: str, name: str, value: np.ndarray, gradient: np.ndarray, axis: int
) -> Gradient:
    zero = np.moveaxis(np.atleast_1d(gradient == 0), axis, -1)
    return Gradient(
        layer=layer,
        name=name,
        shape=value.shape,
        rms=_rms(gradient),
        weight_rms=_rms(value),
        finite=bool(np.isfinite(gradient).all()),
        zero_outputs=np.all(zero, axis=tuple(range(zero.ndim - 1))),
    )


def _rms(array: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        return float(np.sqrt(np.mean(np.square(array, dtype="float64"))))


def _owners(model: keras.Model) -> dict[int, keras.Layer]:
    owners: dict[int, keras.Layer] = {}
    for layer in model._flatten_layers():
        for variable in (*layer._trainable_variables, *layer._non_trainable_variables):
            owners[id(variable)] = layer
    return owners


def penalty_of(model: Any) -> float:
    """Returns what the regularizers of weights add to the loss, at these weights."""
    found: list[Any] = [
        keras.ops.convert_to_numpy(variable.regularizer(variable))
        for variable in model.trainable_variables
        if getattr(variable, "regularizer", None) is not None
    ]
    return float(sum(np.sum(each) for each in found))
