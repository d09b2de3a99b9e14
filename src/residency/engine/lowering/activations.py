"""Activations in the words of oneDNN, which applies them while it convolves."""

from dataclasses import dataclass
from typing import Any, Self

import keras
from keras import activations, layers


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
        if type(layer) is layers.Activation:
            return cls.of(layer.activation)
        if type(layer) is layers.LeakyReLU:
            return cls("leaky_relu", (float(layer.negative_slope),))
        if type(layer) is layers.ReLU and not layer.threshold:
            if layer.max_value is None:
                slope = float(layer.negative_slope)
                return cls("leaky_relu", (slope,)) if slope else cls("relu")
            if not layer.negative_slope:
                return cls("hardtanh", (0.0, float(layer.max_value)))
        return None


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
