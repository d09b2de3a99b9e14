"""Darknet-53, the body of YOLOv3 (Redmon and Farhadi, 2018, table 1).

Five stages of 1, 2, 8, 8 and 4 units; a unit halves the channels with a 1x1
convolution, doubles them with a 3x3 one and adds its input, without an activation
after the sum. A 3x3 convolution with stride 2, one pixel of zeros on every side,
leads into each stage. Reference: [YOLOv3](https://arxiv.org/abs/1804.02767).
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from residency.errors import ConfigError, did_you_mean
from residency.models.interface import classifier, image_input
from residency.models.preprocessing import PREPROCESSINGS, Preprocessing, resolve

_UNITS = (1, 2, 8, 8, 4)

_ACTIVATIONS: dict[str, Callable[[str], Any]] = {
    "leaky_relu": lambda name: layers.LeakyReLU(negative_slope=0.1, name=name),
    "relu": lambda name: layers.Activation("relu", name=name),
    "relu6": lambda name: layers.ReLU(max_value=6.0, name=name),
}


def Darknet53(
    *,
    activation: str = "leaky_relu",
    num_classes: int = 1000,
    image_size: int | None = 256,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds Darknet-53.

    Weights start from He's normal distribution by fan-in. Batch normalisation has a
    momentum of 0.9 in Keras' terms.

    Args:
        activation: `"leaky_relu"`, with a slope of 0.1 below zero as in the paper,
            `"relu"` or `"relu6"`.
        num_classes: At least 2.
        image_size: Side in pixels, at least 32; `None` for any size. Detectors and
            their maps want a multiple of 32.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"none"` or a `Preprocessing`;
            `None` stands for `"torch"`.
        name: The model's name; `None` for `"darknet53"`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`. `darknet_taps` gives its maps.

    Raises:
        ConfigError: An unknown activation or preprocessing, or sizes out of range.

    Example:

    >>> Darknet53().count_params()
    41645640
    """
    if activation not in _ACTIVATIONS:
        raise ConfigError(
            f"activation: expected one of {', '.join(_ACTIVATIONS)}, got "
            f"{activation!r}.{did_you_mean(str(activation), _ACTIVATIONS)}"
        )
    chosen = resolve(preprocessing, PREPROCESSINGS["torch"])
    inputs, x = image_input(image_size, chosen, smallest=32)
    x = _conv(x, 32, 3, activation, name="conv1")
    for stage, units in enumerate(_UNITS, start=2):
        filters = 2 ** (stage + 4)
        name_of_stage = f"conv{stage}"
        x = _conv(x, filters, 3, activation, stride=2, name=f"{name_of_stage}_down")
        for unit in range(1, units + 1):
            x = _unit(x, filters, activation, name=f"{name_of_stage}_unit{unit}")
    outputs = classifier(x, num_classes, kernel_initializer="he_normal")
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


def _unit(x: Any, filters: int, activation: str, *, name: str) -> Any:
    y = _conv(x, filters // 2, 1, activation, name=f"{name}_1")
    y = _conv(y, filters, 3, activation, name=f"{name}_2")
    return layers.Add(name=f"{name}_add")([x, y])


def _conv(
    x: Any, filters: int, size: int, activation: str, *, stride: int = 1, name: str
) -> Any:
    padding = "same"
    if stride > 1:  # one pixel on every side; Keras' "same" pads bottom and right
        x, padding = layers.ZeroPadding2D(1, name=f"{name}_pad")(x), "valid"
    x = layers.Conv2D(
        filters,
        size,
        strides=stride,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
    return _ACTIVATIONS[activation](f"{name}_{activation}")(x)
