"""ResNeXt-29 for small images, ResNeXt-50 and 101 (Xie et al., 2017).

The middle convolution of a bottleneck block has `cardinality` groups of `group_width`
channels in the first stage, twice as many in each stage after it: "8x64d" in the paper
is 8 groups of 64. What leaves a stage has 256, 512, 1024 and 2048 channels whatever
the groups. The stride sits on the grouped convolution, the shortcut is a 1x1
convolution where the shape changes. Reference:
[Aggregated Residual Transformations](https://arxiv.org/abs/1611.05431).
"""

from typing import Any

import keras

from residency.errors import ConfigError
from residency.models.interface import classifier, image_input
from residency.models.preprocessing import (
    CIFAR10,
    PREPROCESSINGS,
    Preprocessing,
    resolve,
)
from residency.models.residual import ConvUnit, add_shortcut, cifar_stem, stem_for

_UNIT = ConvUnit(use_bias=False, epsilon=1e-5)


def ResNeXt29(
    cardinality: int = 8,
    group_width: int = 64,
    *,
    classifier_bias: bool = True,
    num_classes: int = 10,
    image_size: int | None = 32,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds the ResNeXt for CIFAR: three stages of three blocks.

    Weights start from He's normal distribution by fan-in. Batch normalisation has a
    momentum of 0.9 in Keras' terms.

    Args:
        cardinality: Groups of the grouped convolutions: 4, 8 and 16 in the paper.
        group_width: Channels a group in the first stage; 64 in the paper.
        classifier_bias: A bias in the last layer, as in the paper.
        num_classes: At least 2.
        image_size: Side in pixels, at least 8; `None` for any size.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"none"` or a `Preprocessing`;
            `None` stands for the mean and deviation of CIFAR-10.
        name: The model's name; `None` for `"resnext29_<groups>x<width>d"`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: Groups below 1, an unknown preprocessing, or sizes out of range.

    Example:

    >>> ResNeXt29(8, 16, classifier_bias=False).count_params()
    5671872
    """
    _require_groups(cardinality, group_width)
    chosen = resolve(preprocessing, CIFAR10)
    inputs, x = image_input(image_size, chosen, smallest=8)
    x = _stages(cifar_stem(x, _UNIT), (3, 3, 3), cardinality, group_width)
    outputs = classifier(
        x, num_classes, kernel_initializer="he_normal", use_bias=classifier_bias
    )
    name = name or f"resnext29_{cardinality}x{group_width}d"
    return keras.Model(inputs, outputs, name=name)


def ResNeXt50(
    cardinality: int = 32,
    group_width: int = 4,
    *,
    num_classes: int = 1000,
    image_size: int | None = 224,
    stem: str = "auto",
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds ResNeXt-50.

    Starts and normalises as `ResNeXt29`.

    Args:
        cardinality: Groups of the grouped convolutions.
        group_width: Channels a group in the first stage.
        num_classes: At least 2.
        image_size: Side in pixels, at least 8; `None` for any size.
        stem: `"imagenet"`, a 7x7 convolution and max-pooling, both with stride 2;
            `"cifar"`, a 3x3 convolution with stride 1; `"auto"`, the second below 64
            pixels.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"none"` or a `Preprocessing`;
            `None` stands for `"torch"`.
        name: The model's name; `None` for `"resnext50_<groups>x<width>d"`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: Groups below 1, the ImageNet stem below 64 pixels, an unknown stem
            or preprocessing, or sizes out of range.

    Example:

    >>> ResNeXt50(num_classes=10, image_size=32).name
    'resnext50_32x4d'
    """
    return _resnext(
        50,
        (3, 4, 6, 3),
        cardinality,
        group_width,
        num_classes,
        image_size,
        stem,
        preprocessing,
        name,
    )


def ResNeXt101(
    cardinality: int = 32,
    group_width: int = 4,
    *,
    num_classes: int = 1000,
    image_size: int | None = 224,
    stem: str = "auto",
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds ResNeXt-101; arguments as for `ResNeXt50`."""
    return _resnext(
        101,
        (3, 4, 23, 3),
        cardinality,
        group_width,
        num_classes,
        image_size,
        stem,
        preprocessing,
        name,
    )


def _resnext(
    depth: int,
    blocks: tuple[int, ...],
    cardinality: int,
    group_width: int,
    num_classes: int,
    image_size: int | None,
    stem: str,
    preprocessing: str | Preprocessing | None,
    name: str | None,
) -> keras.Model:
    _require_groups(cardinality, group_width)
    add_stem = stem_for(stem, image_size)
    chosen = resolve(preprocessing, PREPROCESSINGS["torch"])
    inputs, x = image_input(image_size, chosen, smallest=8)
    x = _stages(add_stem(x, _UNIT), blocks, cardinality, group_width)
    outputs = classifier(x, num_classes, kernel_initializer="he_normal")
    name = name or f"resnext{depth}_{cardinality}x{group_width}d"
    return keras.Model(inputs, outputs, name=name)


def _require_groups(cardinality: int, group_width: int) -> None:
    for what, value in (("cardinality", cardinality), ("group_width", group_width)):
        if not isinstance(value, int) or value < 1:
            raise ConfigError(
                f"{what}: expected a whole number, 1 or more, got {value!r}. "
                "8x64d of the paper is cardinality=8, group_width=64."
            )


def _stages(x: Any, blocks: tuple[int, ...], cardinality: int, group_width: int) -> Any:
    for stage, number_of_blocks in enumerate(blocks):
        width = cardinality * group_width * 2**stage
        for block in range(1, number_of_blocks + 1):
            stride = 2 if stage > 0 and block == 1 else 1
            name = f"conv{stage + 2}_block{block}"
            residual = _UNIT(x, width, 1, name=f"{name}_1")
            residual = _UNIT.padded(
                residual, width, stride=stride, groups=cardinality, name=f"{name}_2"
            )
            residual = _UNIT(residual, 256 * 2**stage, 1, relu=False, name=f"{name}_3")
            x = add_shortcut(x, residual, stride, _UNIT, name=name)
    return x
