"""Activations that are done together with what comes before them.

`Rectifier` is what the native batch normalization does, `Pointwise` what oneDNN's
convolutions do.
"""

import math
from dataclasses import dataclass
from typing import Any, Self

import keras
import torch
from keras import activations, layers

from residency.engine.native.batch_norm import cut


@dataclass(frozen=True, slots=True)
class Rectifier:
    """ReLU and its kin: `min(x, ceiling)`, and `slope * x` below 0."""

    slope: float = 1.0
    ceiling: float = math.inf

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the values that torch's own functions give."""
        return cut(x, self.slope, self.ceiling)

    @classmethod
    def of_layer(cls, layer: Any) -> Self | None:
        """Returns what an activation layer of Keras does, or `None`: something else."""
        if type(layer) is layers.Activation and layer.activation in RECTIFIERS:
            return cls(*RECTIFIERS[layer.activation])
        if type(layer) is layers.LeakyReLU:
            return cls(float(layer.negative_slope))
        if type(layer) is layers.ReLU and not layer.threshold:
            ceiling = math.inf if layer.max_value is None else float(layer.max_value)
            return cls(float(layer.negative_slope or 0.0), ceiling)
        return None


@dataclass(frozen=True, slots=True)
class Pointwise:
    """A function of one number, as oneDNN's convolutions of torch name it."""

    name: str
    numbers: tuple[float, ...] = ()

    @classmethod
    def of(cls, activation: Any) -> Self | None:
        """Returns the words for a function of `keras.activations`, or `None`."""
        found = NAMES.get(activation)
        return None if found is None else cls(*found)

    @classmethod
    def of_layer(cls, layer: Any) -> Self | None:
        """Returns the words for an activation layer of Keras, or `None`."""
        rectifier = Rectifier.of_layer(layer)
        if rectifier is not None:
            return cls.of_rectifier(rectifier)
        return cls.of(layer.activation) if type(layer) is layers.Activation else None

    @classmethod
    def of_rectifier(cls, rectifier: Rectifier) -> Self | None:
        """Returns the words for a rectifier, or `None`: it bends twice with a slope."""
        slope, ceiling = rectifier.slope, rectifier.ceiling
        if slope == 0:
            bounded = ceiling < math.inf
            return cls("hardtanh", (0.0, ceiling)) if bounded else cls("relu")
        if ceiling < math.inf:
            return None
        return cls("none") if slope == 1 else cls("leaky_relu", (slope,))


LINEAR = Rectifier()
RECTIFIERS: dict[Any, tuple[float, ...]] = {
    activations.relu: (0.0,),
    activations.relu6: (0.0, 6.0),
    activations.leaky_relu: (0.2,),
}
NAMES: dict[Any, tuple[Any, ...]] = {
    activations.linear: ("none",),
    activations.relu: ("relu",),
    activations.relu6: ("hardtanh", (0.0, 6.0)),
    activations.leaky_relu: ("leaky_relu", (0.2,)),
    activations.hard_silu: ("hardswish",),
    activations.silu: ("swish",),
    activations.sigmoid: ("sigmoid",),
    activations.tanh: ("tanh",),
}
IDENTITY = Pointwise("none")


def is_linear(layer: Any) -> bool:
    """Tells whether a layer has no activation of its own."""
    return layer.activation is keras.activations.linear
