"""Wide residual networks for small images (Zagoruyko and Komodakis, 2016).

Three stages of n blocks with 16, 32 and 64 times the width in channels; 6n + 4
convolutions, three of them on shortcuts. A block normalises and activates before each
of its two 3x3 convolutions. Where the shape changes, the shortcut is a 1x1 convolution
of the activated input, as in the authors' code. Reference:
[Wide Residual Networks](https://arxiv.org/abs/1605.07146).
"""

from typing import Any

import keras
from keras import layers

from residency.errors import ConfigError
from residency.models.interface import (
    classifier,
    image_input,
    require_depth,
    require_share,
)
from residency.models.layout import channel_axis
from residency.models.preprocessing import CIFAR10, Preprocessing, resolve


def WideResNet(
    depth: int = 28,
    width: int = 10,
    *,
    dropout: float = 0.0,
    num_classes: int = 10,
    image_size: int | None = 32,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds a wide residual network.

    Weights start from He's normal distribution by fan-in. Batch normalisation has a
    momentum of 0.9 in Keras' terms. Strided convolutions pad one pixel on every side.

    Args:
        depth: Convolutions, `6n + 4`: 16, 22, 28 and 40 in the paper.
        width: Channels in units of the thin network's, at least 1.
        dropout: Share that a training step leaves out between the two convolutions of
            a block, in [0, 1); the paper also trains with 0.3.
        num_classes: At least 2.
        image_size: Side in pixels, at least 8; `None` for any size.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"lite"`, `"none"` or a
            `Preprocessing`; `None` stands for the mean and deviation of CIFAR-10.
        name: The model's name; `None` for `"wide_resnet<depth>_<width>"`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: A depth that is not 6n + 4, an unknown preprocessing, or values
            out of range.

    Example:

    >>> WideResNet(depth=16, width=8).count_params()
    10968570
    """
    _require_shape(depth, width)
    require_share("dropout", dropout)
    inputs, x = image_input(image_size, resolve(preprocessing, CIFAR10), smallest=8)
    x = _conv(x, 16, 3, name="conv1_conv")
    for stage, filters in enumerate((16 * width, 32 * width, 64 * width), start=2):
        for block in range(1, (depth - 4) // 6 + 1):
            stride = 2 if stage > 2 and block == 1 else 1
            block_name = f"conv{stage}_block{block}"
            x = _block(x, filters, stride, dropout, name=block_name)
    x = _activated(x, name="post")
    outputs = classifier(x, num_classes, kernel_initializer="he_normal")
    return keras.Model(inputs, outputs, name=name or f"wide_resnet{depth}_{width}")


def _require_shape(depth: int, width: int) -> None:
    require_depth(depth, 4, (16, 22, 28, 40))
    if not isinstance(width, int) or width < 1:
        raise ConfigError(
            f"width: expected a whole number, 1 or more, got {width!r}. WRN-28-10 of "
            "the paper is depth=28, width=10."
        )


def _block(x: Any, filters: int, stride: int, dropout: float, *, name: str) -> Any:
    before = _activated(x, name=f"{name}_preact")
    y = _conv(before, filters, 3, stride=stride, name=f"{name}_1_conv")
    y = _activated(y, name=f"{name}_1")
    if dropout:
        y = layers.Dropout(dropout, name=f"{name}_dropout")(y)
    y = _conv(y, filters, 3, name=f"{name}_2_conv")
    if stride > 1 or x.shape[channel_axis()] != filters:
        x = _conv(before, filters, 1, stride=stride, name=f"{name}_0_conv")
    return layers.Add(name=f"{name}_out")([x, y])


def _activated(x: Any, *, name: str) -> Any:
    x = layers.BatchNormalization(
        axis=channel_axis(), momentum=0.9, epsilon=1e-5, name=f"{name}_bn"
    )(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)


def _conv(x: Any, filters: int, size: int, *, stride: int = 1, name: str) -> Any:
    padding = "same"
    if stride > 1:  # Keras' "same" pads bottom and right only
        padding = "valid"
        if size > 1:
            x = layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x)
    return layers.Conv2D(
        filters,
        size,
        strides=stride,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)
