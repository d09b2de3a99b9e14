"""ResNet-18 to 152, version 1 (He et al., 2015, table 1).

Layer names, biases and strides of the 50, 101 and 152 are those of
`keras.applications`, so that weights travel by name: the stride sits on the first
1x1 convolution of a block. The 18 and 34 follow torchvision: no convolution biases,
and a projection only where the shape changes. Reference:
[Deep Residual Learning](https://arxiv.org/abs/1512.03385).
"""

from dataclasses import dataclass
from typing import Any

import keras

from residency.models.interface import classifier, image_input
from residency.models.preprocessing import PREPROCESSINGS, Preprocessing, resolve
from residency.models.residual import ConvUnit, add_shortcut, stem_for

_FILTERS = (64, 128, 256, 512)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Design:
    """What sets one depth apart."""

    depth: int
    blocks: tuple[int, int, int, int]
    bottleneck: bool
    bn_epsilon: float


_RESNET18 = _Design(depth=18, blocks=(2, 2, 2, 2), bottleneck=False, bn_epsilon=1e-5)
_RESNET34 = _Design(depth=34, blocks=(3, 4, 6, 3), bottleneck=False, bn_epsilon=1e-5)
_RESNET50 = _Design(depth=50, blocks=(3, 4, 6, 3), bottleneck=True, bn_epsilon=1.001e-5)
_RESNET101 = _Design(
    depth=101, blocks=(3, 4, 23, 3), bottleneck=True, bn_epsilon=1.001e-5
)
_RESNET152 = _Design(
    depth=152, blocks=(3, 8, 36, 3), bottleneck=True, bn_epsilon=1.001e-5
)


def ResNet18(
    *,
    num_classes: int = 1000,
    image_size: int | None = 224,
    stem: str = "auto",
    conv_bias: bool | None = None,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds ResNet-18; arguments as for `ResNet50`, convolution biases off."""
    return _resnet(
        _RESNET18, num_classes, image_size, stem, conv_bias, preprocessing, name
    )


def ResNet34(
    *,
    num_classes: int = 1000,
    image_size: int | None = 224,
    stem: str = "auto",
    conv_bias: bool | None = None,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds ResNet-34; arguments as for `ResNet50`, convolution biases off."""
    return _resnet(
        _RESNET34, num_classes, image_size, stem, conv_bias, preprocessing, name
    )


def ResNet50(
    *,
    num_classes: int = 1000,
    image_size: int | None = 224,
    stem: str = "auto",
    conv_bias: bool | None = None,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds ResNet-50, version 1.

    Weights start from He's normal distribution by fan-in. Batch normalisation has a
    momentum of 0.9 in Keras' terms, as in the paper; `keras.applications` has 0.99.

    Args:
        num_classes: At least 2.
        image_size: Side in pixels, at least 8; `None` for any size.
        stem: `"imagenet"`, a 7x7 convolution and max-pooling, both with stride 2;
            `"cifar"`, a 3x3 convolution with stride 1; `"auto"`, the second below 64
            pixels.
        conv_bias: Biases in convolutions; batch normalisation cancels them, Keras'
            weights have them. `None`: on for 50, 101 and 152, off for 18 and 34.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"none"` or a `Preprocessing`;
            `None` stands for `"torch"`. Weights from `keras.applications` need
            `"caffe"`.
        name: The model's name; `None` for `"resnet50"`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: The ImageNet stem below 64 pixels, an unknown stem or
            preprocessing, or sizes out of range.

    Example:

    >>> ResNet50(num_classes=10, image_size=32, conv_bias=False).count_params()
    23573962
    """
    return _resnet(
        _RESNET50, num_classes, image_size, stem, conv_bias, preprocessing, name
    )


def ResNet101(
    *,
    num_classes: int = 1000,
    image_size: int | None = 224,
    stem: str = "auto",
    conv_bias: bool | None = None,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds ResNet-101, version 1; arguments as for `ResNet50`."""
    return _resnet(
        _RESNET101, num_classes, image_size, stem, conv_bias, preprocessing, name
    )


def ResNet152(
    *,
    num_classes: int = 1000,
    image_size: int | None = 224,
    stem: str = "auto",
    conv_bias: bool | None = None,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds ResNet-152, version 1; arguments as for `ResNet50`."""
    return _resnet(
        _RESNET152, num_classes, image_size, stem, conv_bias, preprocessing, name
    )


def _resnet(
    design: _Design,
    num_classes: int,
    image_size: int | None,
    stem: str,
    conv_bias: bool | None,
    preprocessing: str | Preprocessing | None,
    name: str | None,
) -> keras.Model:
    add_stem = stem_for(stem, image_size)
    unit = ConvUnit(
        use_bias=design.bottleneck if conv_bias is None else conv_bias,
        epsilon=design.bn_epsilon,
    )
    block = _bottleneck_block if design.bottleneck else _basic_block
    chosen = resolve(preprocessing, PREPROCESSINGS["torch"])
    inputs, x = image_input(image_size, chosen, smallest=8)
    x = add_stem(x, unit)
    for stage, (filters, blocks) in enumerate(
        zip(_FILTERS, design.blocks, strict=True), start=2
    ):
        for number in range(1, blocks + 1):
            stride = 2 if stage > 2 and number == 1 else 1
            x = block(x, filters, stride, unit, name=f"conv{stage}_block{number}")
    outputs = classifier(x, num_classes, kernel_initializer="he_normal")
    return keras.Model(inputs, outputs, name=name or f"resnet{design.depth}")


def _bottleneck_block(
    x: Any, filters: int, stride: int, unit: ConvUnit, *, name: str
) -> Any:
    residual = unit(x, filters, 1, stride=stride, name=f"{name}_1")
    residual = unit(residual, filters, 3, name=f"{name}_2")
    residual = unit(residual, 4 * filters, 1, relu=False, name=f"{name}_3")
    return add_shortcut(x, residual, stride, unit, name=name)


def _basic_block(
    x: Any, filters: int, stride: int, unit: ConvUnit, *, name: str
) -> Any:
    residual = unit.padded(x, filters, stride=stride, name=f"{name}_1")
    residual = unit(residual, filters, 3, relu=False, name=f"{name}_2")
    return add_shortcut(x, residual, stride, unit, name=name)
