"""ResNet-18 to 152, versions 1, 1.5 and D (He et al., 2015, table 1).

They differ in where a bottleneck block halves the map:

- `"1"`, the paper's: on its first 1x1 convolution. Names, biases and epsilon of the
  50, 101 and 152 are those of `keras.applications`, so that weights travel by name.
- `"1.5"`, torchvision's: on its 3x3 convolution, no convolution biases.
- `"D"`, of the bag of tricks (He et al., 2019, section 4): as 1.5; three 3x3
  convolutions in place of the first 7x7, and a strided shortcut takes means.

The 18 and 34 have basic blocks, where 1 and 1.5 are the same, and follow torchvision: a
projection only where the shape changes. References:
[Deep Residual Learning](https://arxiv.org/abs/1512.03385),
[Bag of Tricks](https://arxiv.org/abs/1812.01187),
[Squeeze-and-Excitation Networks](https://arxiv.org/abs/1709.01507).
"""

from typing import Any

import keras

from residency.errors import ConfigError
from residency.models.interface import image_input
from residency.models.preprocessing import PREPROCESSINGS, Preprocessing, resolve
from residency.models.residual import ConvUnit, Design, add_stages
from residency.models.residual_options import ResidualOptions
from residency.models.stems import cifar_stem, deep_stem, imagenet_stem, is_cifar_stem

BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
"""Blocks a stage, by depth; basic ones below 50 layers, bottlenecks from there on."""
_SUFFIXES = {"1": "", "1.5": "_v1_5", "D": "_d"}


def ResNet(
    depth: int = 50,
    version: str = "1",
    *,
    squeeze_excite: bool = False,
    num_classes: int = 1000,
    image_size: int | None = 224,
    stem: str = "auto",
    conv_bias: bool | None = None,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
    **options: Any,
) -> keras.Model:
    """Builds a ResNet.

    Weights start from He's normal distribution by fan-in. Batch normalisation has a
    momentum of 0.9 in Keras' terms, as in the paper; `keras.applications` has 0.99.

    Args:
        depth: 18, 34, 50, 101 or 152.
        version: `"1"`, `"1.5"` or `"D"`; see above.
        squeeze_excite: Weighs the channels of each residual before the sum, through a
            sixteenth of them (Hu et al., 2018).
        num_classes: At least 2.
        image_size: Side in pixels, at least 8; `None` for any size.
        stem: `"imagenet"`, a 7x7 convolution and max-pooling, both with stride 2;
            `"cifar"`, a 3x3 convolution with stride 1; `"auto"`, the second below 64
            pixels.
        conv_bias: Biases in convolutions; batch normalisation cancels them, Keras'
            weights have them. `None`: on for 50, 101 and 152 of version 1, else off.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"none"` or a `Preprocessing`;
            `None` stands for `"torch"`. Weights from `keras.applications` need
            `"caffe"`.
        name: The model's name; `None` for such as `"resnet50"`, `"resnet50_v1_5"`,
            `"se_resnet50_d"`.
        **options: Fields of `ResidualOptions`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: An unknown depth, version, stem, preprocessing or option, the
            ImageNet stem below 64 pixels, or values out of range.

    Example:

    >>> ResNet(50, "1.5", num_classes=10, image_size=32).count_params()
    23573962
    """
    _require_known(depth, version)
    kerases = version == "1" and depth >= 50
    unit = ConvUnit(
        options=ResidualOptions.of(options),
        use_bias=kerases if conv_bias is None else conv_bias,
        epsilon=1.001e-5 if kerases else 1e-5,
    )
    design = Design(
        blocks=BLOCKS[depth],
        bottleneck=depth >= 50,
        stride_on_3x3=version != "1",
        pooled_shortcut=version == "D",
        squeeze_excite=squeeze_excite,
    )
    large_stem = deep_stem if version == "D" else imagenet_stem
    add_stem = cifar_stem if is_cifar_stem(stem, image_size) else large_stem
    chosen = resolve(preprocessing, PREPROCESSINGS["torch"])
    inputs, x = image_input(image_size, chosen, smallest=8)
    x = add_stages(add_stem(x, unit), design, unit)
    outputs = unit.options.classify(x, num_classes)
    prefix = "se_" if squeeze_excite else ""
    name = name or f"{prefix}resnet{depth}{_SUFFIXES[version]}"
    return keras.Model(inputs, outputs, name=name)


def ResNet18(**arguments: Any) -> keras.Model:
    """Builds ResNet-18, version 1; named arguments as for `ResNet`."""
    return ResNet(18, **arguments)


def ResNet34(**arguments: Any) -> keras.Model:
    """Builds ResNet-34, version 1; named arguments as for `ResNet`."""
    return ResNet(34, **arguments)


def ResNet50(**arguments: Any) -> keras.Model:
    """Builds ResNet-50, version 1; named arguments as for `ResNet`.

    Example:

    >>> ResNet50(num_classes=10, image_size=32, conv_bias=False).count_params()
    23573962
    """
    return ResNet(50, **arguments)


def ResNet101(**arguments: Any) -> keras.Model:
    """Builds ResNet-101, version 1; named arguments as for `ResNet`."""
    return ResNet(101, **arguments)


def ResNet152(**arguments: Any) -> keras.Model:
    """Builds ResNet-152, version 1; named arguments as for `ResNet`."""
    return ResNet(152, **arguments)


def _require_known(depth: int, version: str) -> None:
    for what, value, known in (
        ("depth", depth, BLOCKS),
        ("version", version, _SUFFIXES),
    ):
        if value not in known:
            raise ConfigError(
                f"{what}: expected one of {', '.join(map(repr, known))}, got {value!r}."
            )
