"""DenseNet-121, 169 and 201, and DenseNet-BC for small images (Huang et al., 2017).

A layer of a dense block reads all maps before it in the block and adds `growth` new
ones: batch normalisation, relu, 1x1 convolution to four times as many channels, the
same again with a 3x3 convolution. Between blocks a 1x1 convolution halves the channels
and an average over 2x2 pixels the side. Layer names and weights are those of
`keras.applications`, so that weights travel by name. Reference:
[Densely Connected Convolutional Networks](https://arxiv.org/abs/1608.06993).
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
from residency.models.preprocessing import (
    CIFAR10,
    PREPROCESSINGS,
    Preprocessing,
    resolve,
)


def DenseNetBC(
    depth: int = 100,
    growth: int = 12,
    *,
    dropout: float = 0.0,
    num_classes: int = 10,
    image_size: int | None = 32,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds the DenseNet-BC for CIFAR: three dense blocks of equal length.

    Weights start from He's normal distribution by fan-in, the paper's reference [10].
    Batch normalisation has a momentum of 0.9 in Keras' terms.

    Args:
        depth: Layers with weights, `6n + 4`: 100, 190 and 250 in the paper.
        growth: New maps of each layer: 12, 40 and 24 there.
        dropout: Share that a training step leaves out behind every convolution but the
            first, in [0, 1); 0.2 in the paper where no augmentation is used.
        num_classes: At least 2.
        image_size: Side in pixels, at least 8; `None` for any size.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"lite"`, `"none"` or a
            `Preprocessing`; `None` stands for the mean and deviation of CIFAR-10.
        name: The model's name; `None` for `"densenet_bc<depth>_<growth>"`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: A depth that is not 6n + 4, an unknown preprocessing, or values
            out of range.

    Example:

    >>> DenseNetBC(depth=10, growth=4, num_classes=2, image_size=8).name
    'densenet_bc10_4'
    """
    _require_shape(depth, growth)
    require_share("dropout", dropout)
    inputs, x = image_input(image_size, resolve(preprocessing, CIFAR10), smallest=8)
    x = _conv(x, 2 * growth, 3, name="conv1_conv")
    x = _dense_blocks(x, ((depth - 4) // 6,) * 3, growth, dropout)
    outputs = classifier(x, num_classes, kernel_initializer="he_normal")
    return keras.Model(inputs, outputs, name=name or f"densenet_bc{depth}_{growth}")


def DenseNet121(
    *,
    num_classes: int = 1000,
    image_size: int | None = 224,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds DenseNet-121.

    Starts and normalises as `DenseNetBC`.

    Args:
        num_classes: At least 2.
        image_size: Side in pixels, at least 32; `None` for any size.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"lite"`, `"none"` or a
            `Preprocessing`; `None` stands for `"torch"`, which the weights of
            `keras.applications` need too.
        name: The model's name; `None` for `"densenet121"`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: An unknown preprocessing, or sizes out of range.

    Example:

    >>> DenseNet121(num_classes=10).count_params()
    7047754
    """
    return _densenet(
        (6, 12, 24, 16), num_classes, image_size, preprocessing, name or "densenet121"
    )


def DenseNet169(
    *,
    num_classes: int = 1000,
    image_size: int | None = 224,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds DenseNet-169; arguments as for `DenseNet121`."""
    return _densenet(
        (6, 12, 32, 32), num_classes, image_size, preprocessing, name or "densenet169"
    )


def DenseNet201(
    *,
    num_classes: int = 1000,
    image_size: int | None = 224,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds DenseNet-201; arguments as for `DenseNet121`."""
    return _densenet(
        (6, 12, 48, 32), num_classes, image_size, preprocessing, name or "densenet201"
    )


def _densenet(
    lengths: tuple[int, ...],
    num_classes: int,
    image_size: int | None,
    preprocessing: str | Preprocessing | None,
    name: str,
) -> keras.Model:
    chosen = resolve(preprocessing, PREPROCESSINGS["torch"])
    inputs, x = image_input(image_size, chosen, smallest=32)
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = _conv(x, 64, 7, stride=2, padding="valid", name="conv1_conv")
    x = _activated(x, bn="conv1_bn", relu="conv1_relu")
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)  # zeros: never above a relu
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    x = _dense_blocks(x, lengths, growth=32)
    outputs = classifier(x, num_classes, kernel_initializer="he_normal")
    return keras.Model(inputs, outputs, name=name)


def _require_shape(depth: int, growth: int) -> None:
    require_depth(depth, 4, (100, 190, 250))
    if not isinstance(growth, int) or growth < 1:
        raise ConfigError(
            f"growth: expected a whole number, 1 or more, got {growth!r}. "
            "The paper's k = 12 is growth=12."
        )


def _dense_blocks(
    x: Any, lengths: tuple[int, ...], growth: int, dropout: float = 0.0
) -> Any:
    """Adds the blocks, what lies between them, and the last normalisation."""
    for stage, length in enumerate(lengths, start=2):
        if stage > 2:
            x = _transition(x, dropout, name=f"pool{stage - 1}")
        for place in range(1, length + 1):
            x = _layer(x, growth, dropout, name=f"conv{stage}_block{place}")
    return _activated(x, bn="bn", relu="relu")


def _layer(x: Any, growth: int, dropout: float, *, name: str) -> Any:
    y = _activated(x, bn=f"{name}_0_bn", relu=f"{name}_0_relu")
    y = _conv(y, 4 * growth, 1, dropout=dropout, name=f"{name}_1_conv")
    y = _activated(y, bn=f"{name}_1_bn", relu=f"{name}_1_relu")
    y = _conv(y, growth, 3, dropout=dropout, name=f"{name}_2_conv")
    return layers.Concatenate(axis=channel_axis(), name=f"{name}_concat")([x, y])


def _transition(x: Any, dropout: float, *, name: str) -> Any:
    x = _activated(x, bn=f"{name}_bn", relu=f"{name}_relu")
    half = x.shape[channel_axis()] // 2
    x = _conv(x, half, 1, dropout=dropout, name=f"{name}_conv")
    return layers.AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def _activated(x: Any, *, bn: str, relu: str) -> Any:
    x = layers.BatchNormalization(
        axis=channel_axis(), momentum=0.9, epsilon=1.001e-5, name=bn
    )(x)
    return layers.Activation("relu", name=relu)(x)


def _conv(
    x: Any,
    filters: int,
    size: int,
    *,
    stride: int = 1,
    padding: str = "same",
    dropout: float = 0.0,
    name: str,
) -> Any:
    x = layers.Conv2D(
        filters,
        size,
        strides=stride,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x
