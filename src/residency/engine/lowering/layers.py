"""Which Keras layers have a torch form of their own, and how the small ones run."""

from collections.abc import Callable
from typing import Any

import keras
import torch
from keras import layers
from torch.nn import functional

from residency.engine.lowering.call import Run
from residency.engine.lowering.convolution import (
    Convolution,
    DepthwiseConvolution,
    Weights,
    activation_of,
    separable_conv2d,
)
from residency.engine.lowering.layout import (
    Padding,
    every,
    from_channels_first,
    same_sides,
    to_channels_first,
)
from residency.engine.lowering.normalization import batch_norm

AS_WRITTEN = (
    "activations",
    "convolutional",
    "merging",
    "normalization",
    "pooling",
    "regularization",
    "reshaping",
)
"""Packages of `keras.layers` whose layers are thin: their `call` runs directly, without
the checks and conversions around it."""


def known_layer(layer: layers.Layer, floats: bool) -> Run | None:
    """Returns how a layer runs, tensors alone; `None`: Keras has to call it.

    Args:
        layer: The layer.
        floats: It takes floating-point numbers; of others, Keras knows the rules.
    """
    build = TABLE.get(type(layer))
    if build and not floats and build is not _rescaling:
        return None
    run = build(layer) if build else None
    if run is not None:
        return run
    package = type(layer).__module__.removeprefix("keras.src.layers.").split(".")[0]
    thin = package in AS_WRITTEN or type(layer) in (
        layers.Identity,
        layers.Normalization,
        layers.Rescaling,
    )
    mixed = layer.variables and layer.compute_dtype != layer.variable_dtype
    return _own_call(layer) if thin and not mixed else None


def _own_call(layer: Any) -> Run:
    if layer._call_has_training_arg:
        return lambda x, *, training: layer.call(x, training=training)
    return lambda x, *, training: layer.call(x)


def _dense(layer: Any) -> Run:
    read, activation = Weights(layer), activation_of(layer)

    def run(x: torch.Tensor, *, training: bool) -> torch.Tensor:
        return activation(
            functional.linear(x, read(layer.kernel).t(), read(layer.bias))
        )

    return run


def _pooling(pool: Callable[..., torch.Tensor], **options: Any) -> Callable[[Any], Run]:
    def build(layer: Any) -> Run:
        last, same = layer.data_format == "channels_last", layer.padding == "same"
        size, strides = layer.pool_size, layer.strides

        def run(x: torch.Tensor, *, training: bool) -> torch.Tensor:
            x, padding = to_channels_first(x, last), Padding()
            if size == (1, 1):
                return from_channels_first(every(x, strides), last)
            if same:
                padding = Padding.of(same_sides(x.shape[2:], size, strides))
                x = padding.image(x, mode="replicate")
            y = pool(x, size, strides, padding.each, **options)
            return from_channels_first(y, last)

        return run

    return build


def padded_max_pooling(layer: Any, zeros: tuple[int, int]) -> Run:
    """Returns how `MaxPooling2D` runs on an image without negative values that has
    `zeros` more rows and columns on every side: they are never the largest."""
    last = layer.data_format == "channels_last"

    def run(x: torch.Tensor, *, training: bool) -> torch.Tensor:
        x = to_channels_first(x, last)
        y = functional.max_pool2d(x, layer.pool_size, layer.strides, zeros)
        return from_channels_first(y, last)

    return run


def _rescaling(layer: Any) -> Run | None:
    if keras.config.image_data_format() == "channels_first":
        return None
    dtype = getattr(torch, layer.compute_dtype)
    there: dict[torch.device, tuple[Any, ...]] = {}

    def run(x: torch.Tensor, *, training: bool) -> torch.Tensor:
        given = layer.scale, layer.offset
        found = there.get(x.device)
        # once: a recorded step may copy nothing from here
        if found is None or any(a is not b for a, b in zip(found, given, strict=False)):
            with torch.inference_mode(False):  # or no gradient could pass later
                scale, offset = (
                    torch.as_tensor(number, dtype=dtype, device=x.device)
                    for number in given
                )
            found = there[x.device] = (*given, scale, offset)
        *_, scale, offset = found
        return x.to(dtype) * scale + offset

    return run


def _activation_layer(layer: Any) -> Run:
    activation = activation_of(layer)
    return lambda x, *, training: activation(x)


TABLE: dict[type, Callable[[Any], Run | None]] = {
    layers.Activation: _activation_layer,
    layers.AveragePooling2D: _pooling(functional.avg_pool2d, count_include_pad=False),
    layers.BatchNormalization: batch_norm,
    layers.Conv2D: Convolution,
    layers.Dense: _dense,
    layers.DepthwiseConv2D: DepthwiseConvolution,
    layers.MaxPooling2D: _pooling(functional.max_pool2d),
    layers.Rescaling: _rescaling,
    layers.SeparableConv2D: separable_conv2d,
}
"""Layers with a torch form of their own; a builder may leave a case to Keras: `None`.
Exact types only: a subclass may do anything."""
