"""What a network costs: multiply-adds of one image, counted from its shapes."""

from collections.abc import Iterator
from itertools import chain
from math import prod
from typing import Any

import keras
from keras import layers

from residency.errors import ConfigError


def multiply_adds(model: keras.Model) -> int:
    """Returns the multiply-adds of one forward pass of one image.

    Convolutions and dense layers count, as in the papers' "FLOPs"; biases,
    normalisation, activations, pooling and additions do not. A layer that is used
    several times counts as often.

    Args:
        model: A Functional or Sequential model of fixed image size.

    Raises:
        ConfigError: The image size is open, or the model is a subclass with no graph.

    Example:

    >>> image = keras.Input((4, 4, 3))
    >>> multiply_adds(keras.Model(image, layers.Conv2D(8, 3, padding="same")(image)))
    3456
    """
    return sum(_per_image(layer, shape) for layer, shape in _calls(model))


def _calls(model: Any) -> Iterator[tuple[Any, tuple[int | None, ...]]]:
    """Yields each layer with the shape of its output, once a call."""
    graph = getattr(model, "_functional", model)  # a Sequential wraps its graph
    # Keras has no public name for the calls; `layer.output` has the last one alone.
    if not hasattr(graph, "_nodes_by_depth"):
        raise ConfigError(
            f"{model.name}: multiply-adds are counted along the graph of a Functional "
            "or built Sequential model; this one has none."
        )
    for node in chain.from_iterable(graph._nodes_by_depth.values()):
        if isinstance(node.operation, keras.Model):
            yield from _calls(node.operation)
        else:
            yield node.operation, node.outputs[0].shape


def _per_image(layer: Any, output_shape: tuple[int | None, ...]) -> int:
    """Each output value takes one multiply-add per weight that reaches it."""
    if isinstance(layer, layers.DepthwiseConv2D):
        weights_per_value = prod(layer.kernel_size)
    elif isinstance(layer, layers.Conv2D | layers.Dense):
        kernel: Any = layer.kernel  # its last axis is the output's channels
        weights_per_value = prod(kernel.shape[:-1])
    else:
        return 0
    sizes = [size for size in output_shape[1:] if size is not None]
    if len(sizes) < len(output_shape) - 1:
        raise ConfigError(
            f"{layer.name}: its output {output_shape} depends on the image size. "
            "Build the model with a fixed image_size to count multiply-adds."
        )
    return prod(sizes) * weights_per_value
