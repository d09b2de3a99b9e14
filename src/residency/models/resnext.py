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
from residency.models.interface import image_input
from residency.models.preprocessing import (
    CIFAR10,
    PREPROCESSINGS,
    Preprocessing,
    resolve,
)
from residency.models.residual import ConvUnit, Design, add_stages
from residency.models.residual_options import ResidualOptions
from residency.models.stems import cifar_stem, imagenet_stem, is_cifar_stem

_BLOCKS = {29: (3, 3, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}


def ResNeXt(
    depth: int = 50,
    cardinality: int = 32,
    group_width: int = 4,
    *,
    squeeze_excite: bool = False,
    num_classes: int = 1000,
    image_size: int | None = 224,
    stem: str = "auto",
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
    **options: Any,
) -> keras.Model:
    """Builds a ResNeXt.

    Weights start from He's normal distribution by fan-in. Batch normalisation has a
    momentum of 0.9 in Keras' terms.

    Args:
        depth: 29, three stages of three blocks for small images; 50 or 101.
        cardinality: Groups of the grouped convolutions.
        group_width: Channels a group in the first stage.
        squeeze_excite: Weighs the channels of each residual before the sum, through a
            sixteenth of them (Hu et al., 2018).
        num_classes: At least 2.
        image_size: Side in pixels, at least 8; `None` for any size.
        stem: `"imagenet"`, a 7x7 convolution and max-pooling, both with stride 2;
            `"cifar"`, a 3x3 convolution with stride 1; `"auto"`, the second below 64
            pixels.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"none"` or a `Preprocessing`;
            `None` stands for `"torch"`.
        name: The model's name; `None` for such as `"resnext50_32x4d"`.
        **options: Fields of `ResidualOptions`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: An unknown depth, stem, preprocessing or option, groups below 1,
            the ImageNet stem below 64 pixels, or values out of range.

    Example:

    >>> ResNeXt(50, num_classes=10, image_size=32).name
    'resnext50_32x4d'
    """
    _require_known(depth, cardinality, group_width)
    unit = ConvUnit(options=ResidualOptions.of(options))
    design = Design(
        blocks=_BLOCKS[depth],
        cardinality=cardinality,
        group_width=group_width,
        squeeze_excite=squeeze_excite,
    )
    add_stem = cifar_stem if is_cifar_stem(stem, image_size) else imagenet_stem
    chosen = resolve(preprocessing, PREPROCESSINGS["torch"])
    inputs, x = image_input(image_size, chosen, smallest=8)
    x = add_stages(add_stem(x, unit), design, unit)
    outputs = unit.options.classify(x, num_classes)
    prefix = "se_" if squeeze_excite else ""
    name = name or f"{prefix}resnext{depth}_{cardinality}x{group_width}d"
    return keras.Model(inputs, outputs, name=name)


def ResNeXt29(
    cardinality: int = 8,
    group_width: int = 64,
    *,
    num_classes: int = 10,
    image_size: int | None = 32,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
    **options: Any,
) -> keras.Model:
    """Builds the ResNeXt for CIFAR; arguments as for `ResNeXt`.

    The paper has 4, 8 and 16 groups of 64. It begins with the small stem; `None` for
    the preprocessing stands for the mean and deviation of CIFAR-10.

    Example:

    >>> ResNeXt29(8, 16, classifier_bias=False).count_params()
    5671872
    """
    return ResNeXt(
        29,
        cardinality,
        group_width,
        num_classes=num_classes,
        image_size=image_size,
        stem="cifar",
        preprocessing=resolve(preprocessing, CIFAR10),
        name=name,
        **options,
    )


def ResNeXt50(
    cardinality: int = 32, group_width: int = 4, **arguments: Any
) -> keras.Model:
    """Builds ResNeXt-50; arguments as for `ResNeXt`."""
    return ResNeXt(50, cardinality, group_width, **arguments)


def ResNeXt101(
    cardinality: int = 32, group_width: int = 4, **arguments: Any
) -> keras.Model:
    """Builds ResNeXt-101; arguments as for `ResNeXt`."""
    return ResNeXt(101, cardinality, group_width, **arguments)


def _require_known(depth: int, cardinality: int, group_width: int) -> None:
    if depth not in _BLOCKS:
        raise ConfigError(f"depth: expected 29, 50 or 101, got {depth!r}.")
    for what, value in (("cardinality", cardinality), ("group_width", group_width)):
        if not isinstance(value, int) or value < 1:
            raise ConfigError(
                f"{what}: expected a whole number, 1 or more, got {value!r}. "
                "8x64d of the paper is cardinality=8, group_width=64."
            )
