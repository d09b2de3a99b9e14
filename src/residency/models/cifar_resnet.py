"""The thin residual networks for small images (He et al., 2015, section 4.2).

Three stages of n blocks with 16, 32 and 64 channels; 6n + 2 layers. Reference:
[Deep Residual Learning](https://arxiv.org/abs/1512.03385).
"""

from typing import Any

import keras
from keras import layers, ops

from residency.errors import ConfigError
from residency.models.interface import classifier, image_input
from residency.models.preprocessing import CIFAR10, Preprocessing, resolve

_FILTERS = (16, 32, 64)


def CIFARResNet(
    depth: int = 20,
    shortcut: str = "A",
    *,
    num_classes: int = 10,
    image_size: int | None = 32,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
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

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: A depth that is not 6n + 2, an unknown shortcut or preprocessing,
            or sizes out of range.

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
    inputs, x = image_input(image_size, resolve(preprocessing, CIFAR10), smallest=8)
    x = _conv_bn(x, 16, 3, name="conv1")
    x = layers.Activation("relu", name="conv1_relu")(x)
    for stage, filters in enumerate(_FILTERS, start=2):
        for block in range(1, (depth - 2) // 6 + 1):
            stride = 2 if stage > 2 and block == 1 else 1
            block_name = f"conv{stage}_block{block}"
            x = _basic_block(x, filters, stride, shortcut, name=block_name)
    outputs = classifier(x, num_classes, kernel_initializer="he_normal")
    return keras.Model(inputs, outputs, name=name or f"cifar_resnet{depth}")


def _basic_block(x: Any, filters: int, stride: int, shortcut: str, *, name: str) -> Any:
    residual = _conv_bn(x, filters, 3, stride=stride, name=f"{name}_1")
    residual = layers.Activation("relu", name=f"{name}_1_relu")(residual)
    residual = _conv_bn(residual, filters, 3, name=f"{name}_2")
    if stride > 1:
        project = _zero_padding if shortcut == "A" else _projection
        x = project(x, filters, stride, name=f"{name}_0")
    x = layers.Add(name=f"{name}_add")([x, residual])
    return layers.Activation("relu", name=f"{name}_out")(x)


def _zero_padding(x: Any, filters: int, stride: int, *, name: str) -> Any:
    """Option A: every `stride`-th pixel; the new channels are zero."""
    new = filters - x.shape[-1]
    x = layers.AveragePooling2D(1, strides=stride, name=f"{name}_subsample")(x)
    return ops.pad(x, ((0, 0), (0, 0), (0, 0), (new // 2, new - new // 2)))


def _projection(x: Any, filters: int, stride: int, *, name: str) -> Any:
    """Option B: a 1x1 convolution with normalisation."""
    return _conv_bn(x, filters, 1, stride=stride, name=name)


def _conv_bn(
    x: Any, filters: int, kernel_size: int, *, stride: int = 1, name: str
) -> Any:
    padding = "same"
    if stride > 1:
        padding = "valid"
        if kernel_size > 1:
            x = layers.ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x)
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
