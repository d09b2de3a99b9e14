"""Darknet-53, the body of YOLOv3 (Redmon and Farhadi, 2018, table 1).

Five stages of 1, 2, 8, 8 and 4 units; a unit halves the channels with a 1x1
convolution, doubles them with a 3x3 one and adds its input, without an activation
after the sum. A 3x3 convolution with stride 2, one pixel of zeros on every side,
leads into each stage. Reference: [YOLOv3](https://arxiv.org/abs/1804.02767).
"""

from typing import Any

import keras
from keras import layers

from residency.errors import ConfigError
from residency.models.interface import image_input
from residency.models.preprocessing import PREPROCESSINGS, Preprocessing, resolve
from residency.models.residual import ConvUnit, Place, places
from residency.models.residual_options import FLAT_AT_ZERO, ResidualOptions

_UNITS = (1, 2, 8, 8, 4)


def Darknet53(
    *,
    num_classes: int = 1000,
    image_size: int | None = 256,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
    **options: Any,
) -> keras.Model:
    """Builds Darknet-53.

    Weights start from He's normal distribution by fan-in. Batch normalisation has a
    momentum of 0.9 in Keras' terms.

    Args:
        num_classes: At least 2.
        image_size: Side in pixels, at least 32; `None` for any size. Detectors and
            their maps want a multiple of 32.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"none"` or a `Preprocessing`;
            `None` stands for `"torch"`.
        name: The model's name; `None` for `"darknet53"`.
        **options: Fields of `ResidualOptions`; the activation is `"leaky_relu"` if not
            given, with a slope of 0.1 below zero as in the paper.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`. `darknet_taps` gives its maps.

    Raises:
        ConfigError: An unknown preprocessing or option, values out of range, or
            `zero_gamma` before a relu, whose gradient at 0 is 0.

    Example:

    >>> Darknet53().count_params()
    41645640
    """
    unit = ConvUnit(options=ResidualOptions.of(options, activation="leaky_relu"))
    _require_gradient(unit.options)
    chosen = resolve(preprocessing, PREPROCESSINGS["torch"])
    inputs, x = image_input(image_size, chosen, smallest=32)
    x = unit(x, 32, 3, name="conv1")
    for place in places(_UNITS):
        filters = 64 * 2**place.stage
        if place.number == 1:
            x = unit.padded(x, filters, stride=2, name=f"conv{place.stage + 2}_down")
        x = _unit(x, filters, place, unit)
    outputs = unit.options.classify(x, num_classes)
    return keras.Model(inputs, outputs, name=name or "darknet53")


def darknet_taps(model: keras.Model) -> keras.Model:
    """Returns the maps that a detector reads, as a model on the same variables.

    Args:
        model: What `Darknet53` built, trained or not.

    Returns:
        A model from images to three maps: 256 channels at an eighth of the image's
        side, 512 at a sixteenth, 1024 at a thirty-second.

    Example:

    >>> model = Darknet53(num_classes=2, image_size=64)
    >>> [tuple(x.shape) for x in darknet_taps(model).outputs]
    [(None, 8, 8, 256), (None, 4, 4, 512), (None, 2, 2, 1024)]
    """
    ends = [f"conv{stage}_unit{_UNITS[stage - 2]}_add" for stage in (4, 5, 6)]
    maps = [model.get_layer(name).output for name in ends]
    return keras.Model(model.input, maps, name=f"{model.name}_taps")


def _unit(x: Any, filters: int, place: Place, unit: ConvUnit) -> Any:
    name, options = f"conv{place.stage + 2}_unit{place.number}", unit.options
    y = unit(x, filters // 2, 1, name=f"{name}_1")
    y = unit(y, filters, 3, gamma=options.last_gamma, name=f"{name}_2")
    y = options.drop(y, place.depth, name=name)
    return layers.Add(name=f"{name}_add")([x, y])


def _require_gradient(options: ResidualOptions) -> None:
    if options.zero_gamma and options.activation in FLAT_AT_ZERO:
        raise ConfigError(
            f"zero_gamma: in Darknet-53 {options.activation} follows the scale that "
            "would start at 0; its gradient there is 0, so the blocks would never "
            "learn. Use activation='leaky_relu', or zero_gamma=False."
        )
