"""The residual networks for small images, activation first (He et al., 2016).

Three stages of n units: bottlenecks of 64, 128 and 256 channels, 9n + 2 layers, or the
basic units of 16, 32 and 64 of the first paper, 6n + 2 layers. A unit that changes the
shape shares its first activation with its shortcut, and so does the first one after
the stem; the others add to what came in (appendix, and the authors' released code).
Reference: [Identity Mappings in Deep Residual Networks](https://arxiv.org/abs/1603.05027).
"""

from typing import Any

import keras
from keras import layers

from residency.errors import ConfigError
from residency.models.cifar_resnet import zero_padding
from residency.models.interface import image_input
from residency.models.preprocessing import CIFAR10, Preprocessing, resolve
from residency.models.residual import ConvUnit, Place, places
from residency.models.residual_options import ResidualOptions


def CIFARResNetV2(
    depth: int = 164,
    *,
    bottleneck: bool = True,
    num_classes: int = 10,
    image_size: int | None = 32,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
    **options: Any,
) -> keras.Model:
    """Builds the pre-activation CIFAR residual network of the paper.

    Weights start from He's normal distribution by fan-in. Batch normalisation has a
    momentum of 0.9 in Keras' terms.

    Args:
        depth: Layers with weights: `9n + 2`, 164 and 1001 in the paper; with basic
            units `6n + 2`, 110 in the paper.
        bottleneck: Units of 1x1, 3x3 and 1x1 convolutions, with 1x1 convolutions as
            shortcuts where the shape changes; else of two 3x3, with every second pixel
            and zeros for the new channels.
        num_classes: At least 2.
        image_size: Side in pixels, at least 8; `None` for any size.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"none"` or a `Preprocessing`;
            `None` stands for the mean and deviation of CIFAR-10.
        name: The model's name; `None` for `"cifar_resnet<depth>_v2"`.
        **options: Fields of `ResidualOptions`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: A depth that has no n, an unknown preprocessing or option, or
            values out of range.

    Example:

    >>> CIFARResNetV2(20, bottleneck=False).count_params()
    271098
    """
    layers_of_n = 9 if bottleneck else 6
    if depth < 2 + layers_of_n or (depth - 2) % layers_of_n:
        raise ConfigError(
            f"depth: expected {layers_of_n}n + 2 with {layers_of_n // 3} layers a unit,"
            f" got {depth}. The paper has 164 and 1001 with bottlenecks, 110 without."
        )
    unit = ConvUnit(options=ResidualOptions.of(options))
    inputs, x = image_input(image_size, resolve(preprocessing, CIFAR10), smallest=8)
    x = unit.convolve(x, 16, 3, name="conv1")
    for place in places(((depth - 2) // layers_of_n,) * 3):
        x = _unit(x, place, unit, bottleneck)
    x = unit.activate(unit.normalize(x, name="post"), name="post")
    outputs = unit.options.classify(x, num_classes)
    return keras.Model(inputs, outputs, name=name or f"cifar_resnet{depth}_v2")


def _unit(x: Any, place: Place, unit: ConvUnit, bottleneck: bool) -> Any:
    name, width, stride = place.name, 16 * 2**place.stage, place.stride
    filters = 4 * width if bottleneck else width
    active = unit.normalize(x, name=f"{name}_preact")
    active = unit.activate(active, name=f"{name}_preact")
    if place.number == 1:
        x = _shortcut(active, filters, place, unit, bottleneck)
    if bottleneck:
        residual = unit(active, width, 1, stride=stride, name=f"{name}_1")
        residual = unit(residual, width, 3, name=f"{name}_2")
    else:
        residual = unit.padded(active, width, stride=stride, name=f"{name}_1")
    residual = unit.convolve(
        residual,
        filters,
        1 if bottleneck else 3,
        start=unit.options.last_kernel,
        name=f"{name}_3" if bottleneck else f"{name}_2",
    )
    residual = unit.options.drop(residual, place.depth, name=name)
    return layers.Add(name=f"{name}_out")([x, residual])


def _shortcut(
    active: Any, filters: int, place: Place, unit: ConvUnit, bottleneck: bool
) -> Any:
    """Returns the shortcut of a stage's first unit."""
    name, stride = f"{place.name}_0", place.stride
    if bottleneck:
        return unit.convolve(active, filters, 1, stride=stride, name=name)
    return zero_padding(active, filters, stride, name=name) if stride > 1 else active
