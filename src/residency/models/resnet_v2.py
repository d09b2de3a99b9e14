"""ResNet-50, 101 and 152, version 2: activation first (He et al., 2016).

Normalisation and relu come before a convolution and not after it, the sum is left as it
is. Names, biases, strides and epsilon are those of `keras.applications`, which follow
the TensorFlow release: the last block of a stage halves the map, its shortcut takes
every second pixel. Reference:
[Identity Mappings in Deep Residual Networks](https://arxiv.org/abs/1603.05027).
"""

from typing import Any

import keras
from keras import layers

from residency.errors import ConfigError
from residency.models.interface import image_input
from residency.models.preprocessing import PREPROCESSINGS, Preprocessing, resolve
from residency.models.residual import ConvUnit, Place, places
from residency.models.residual_options import ResidualOptions
from residency.models.stems import is_cifar_stem, pool_of_stem

_BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def ResNetV2(
    depth: int = 50,
    *,
    num_classes: int = 1000,
    image_size: int | None = 224,
    stem: str = "auto",
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
    **options: Any,
) -> keras.Model:
    """Builds a pre-activation ResNet.

    Weights start from He's normal distribution by fan-in. Batch normalisation has a
    momentum of 0.9 in Keras' terms; `keras.applications` has 0.99.

    Args:
        depth: 50, 101 or 152.
        num_classes: At least 2.
        image_size: Side in pixels, at least 8; `None` for any size.
        stem: `"imagenet"`, a 7x7 convolution and max-pooling, both with stride 2;
            `"cifar"`, a 3x3 convolution with stride 1; `"auto"`, the second below 64
            pixels.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"none"` or a `Preprocessing`;
            `None` stands for `"torch"`. Weights from `keras.applications` need `"tf"`.
        name: The model's name; `None` for such as `"resnet50_v2"`.
        **options: Fields of `ResidualOptions`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: An unknown depth, stem, preprocessing or option, the ImageNet stem
            below 64 pixels, or values out of range.

    Example:

    >>> ResNetV2(50, num_classes=10, image_size=32).name
    'resnet50_v2'
    """
    if depth not in _BLOCKS:
        raise ConfigError(f"depth: expected 50, 101 or 152, got {depth!r}.")
    unit = ConvUnit(options=ResidualOptions.of(options), epsilon=1.001e-5)
    add_stem = _cifar_stem if is_cifar_stem(stem, image_size) else _imagenet_stem
    chosen = resolve(preprocessing, PREPROCESSINGS["torch"])
    inputs, x = image_input(image_size, chosen, smallest=8)
    x = add_stem(x, unit)
    for place in places(_BLOCKS[depth]):
        ends_stage = place.number == _BLOCKS[depth][place.stage]
        stride = 2 if ends_stage and place.stage < 3 else 1
        x = _block(x, stride, place, unit)
    x = unit.activate(unit.normalize(x, name="post"), name="post")
    outputs = unit.options.classify(x, num_classes)
    return keras.Model(inputs, outputs, name=name or f"resnet{depth}_v2")


def ResNet50V2(**arguments: Any) -> keras.Model:
    """Builds ResNet-50, version 2; named arguments as for `ResNetV2`."""
    return ResNetV2(50, **arguments)


def ResNet101V2(**arguments: Any) -> keras.Model:
    """Builds ResNet-101, version 2; named arguments as for `ResNetV2`."""
    return ResNetV2(101, **arguments)


def ResNet152V2(**arguments: Any) -> keras.Model:
    """Builds ResNet-152, version 2; named arguments as for `ResNetV2`."""
    return ResNetV2(152, **arguments)


def _imagenet_stem(x: Any, unit: ConvUnit) -> Any:
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = unit.convolve(x, 64, 7, stride=2, padding="valid", use_bias=True, name="conv1")
    return pool_of_stem(x)


def _cifar_stem(x: Any, unit: ConvUnit) -> Any:
    return unit.convolve(x, 64, 3, use_bias=True, name="conv1")


def _block(x: Any, stride: int, place: Place, unit: ConvUnit) -> Any:
    name, filters, options = place.name, 64 * 2**place.stage, unit.options
    active = unit.normalize(x, name=f"{name}_preact")
    active = unit.activate(active, name=f"{name}_preact")
    if place.number == 1:
        x = unit.convolve(
            active, 4 * filters, 1, stride=stride, use_bias=True, name=f"{name}_0"
        )
    elif stride > 1:
        x = layers.MaxPooling2D(1, strides=stride, name=f"{name}_0_pool")(x)
    residual = unit(active, filters, 1, name=f"{name}_1")
    residual = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(residual)
    residual = unit(
        residual, filters, 3, stride=stride, padding="valid", name=f"{name}_2"
    )
    residual = unit.convolve(
        residual,
        4 * filters,
        1,
        use_bias=True,
        start=options.last_kernel,
        name=f"{name}_3",
    )
    residual = options.drop(residual, place.depth, name=name)
    return layers.Add(name=f"{name}_out")([x, residual])
