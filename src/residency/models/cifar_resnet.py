"""The thin residual networks for small images (He et al., 2015, section 4.2).

Three stages of n blocks with 16, 32 and 64 channels; 6n + 2 layers. Reference:
[Deep Residual Learning](https://arxiv.org/abs/1512.03385).
"""

from typing import Any

import keras
from keras import layers, ops

from residency.errors import ConfigError
from residency.models.interface import image_input
from residency.models.layout import channel_axis
from residency.models.preprocessing import CIFAR10, Preprocessing, resolve
from residency.models.residual import ConvUnit, Place, places
from residency.models.residual_options import ResidualOptions

_FILTERS = (16, 32, 64)


def CIFARResNet(
    depth: int = 20,
    shortcut: str = "A",
    *,
    num_classes: int = 10,
    image_size: int | None = 32,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
    **options: Any,
) -> keras.Model:
    """Builds the CIFAR residual network of the paper.

    Weights start from He's normal distribution by fan-in, the paper's reference [13];
    strided convolutions pad one pixel on every side, as the paper's framework does
    (Keras' `"same"` would pad bottom and right only, half a stride off the shortcut).

    Args:
        depth: Layers with weights, `6n + 2`: 20, 32, 44, 56 and 110 in the paper.
        shortcut: Where the shape changes: `"A"`, every second pixel and zeros for the
            new channels, half of them in front and half behind as in the common
            re-runs (the paper does not say); `"B"`, a 1x1 convolution.
        num_classes: At least 2.
        image_size: Side in pixels, at least 8; `None` for any size.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"none"` or a `Preprocessing`;
            `None` stands for the mean and deviation of CIFAR-10.
        name: The model's name; `None` for `"cifar_resnet<depth>"`.
        **options: Fields of `ResidualOptions`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: A depth that is not 6n + 2, an unknown shortcut, preprocessing or
            option, or values out of range.

    Example:

    >>> CIFARResNet(depth=20).count_params()
    271098
    """
    if depth < 8 or (depth - 2) % 6:
        raise ConfigError(
            "depth: expected 6n + 2, such as 20, 32, 44, 56 or 110, "
            f"got {depth}. The closest is {6 * max(1, round((depth - 2) / 6)) + 2}."
        )
    if shortcut not in ("A", "B"):
        raise ConfigError(
            "shortcut: expected 'A' (zero padding) or 'B' (1x1 convolution), "
            f"got {shortcut!r}."
        )
    unit = ConvUnit(options=ResidualOptions.of(options))
    inputs, x = image_input(image_size, resolve(preprocessing, CIFAR10), smallest=8)
    x = unit(x, _FILTERS[0], 3, name="conv1")
    for place in places(((depth - 2) // 6,) * 3):
        x = _basic_block(x, place, unit, shortcut)
    outputs = unit.options.classify(x, num_classes)
    return keras.Model(inputs, outputs, name=name or f"cifar_resnet{depth}")


def _basic_block(x: Any, place: Place, unit: ConvUnit, shortcut: str) -> Any:
    name, filters, options = place.name, _FILTERS[place.stage], unit.options
    residual = unit.padded(x, filters, stride=place.stride, name=f"{name}_1")
    residual = unit(
        residual, filters, 3, activate=False, gamma=options.last_gamma, name=f"{name}_2"
    )
    if place.stride > 1 and shortcut == "A":
        x = zero_padding(x, filters, place.stride, name=f"{name}_0")
    elif place.stride > 1:
        x = unit(x, filters, 1, stride=place.stride, activate=False, name=f"{name}_0")
    residual = options.drop(residual, place.depth, name=name)
    x = layers.Add(name=f"{name}_add")([x, residual])
    return options.activate(x, name=f"{name}_out")


def zero_padding(x: Any, filters: int, stride: int, *, name: str) -> Any:
    """Option A: every `stride`-th pixel; the new channels are zero."""
    axis = channel_axis()
    new = filters - x.shape[axis]
    x = layers.AveragePooling2D(1, strides=stride, name=f"{name}_subsample")(x)
    margins = [(0, 0)] * 4
    margins[axis] = (new // 2, new - new // 2)
    return ops.pad(x, margins)
