"""From raw RGB pixels, 0..255, to what a network was trained on.

Standard Keras layers and operations only, so that a saved model opens in plain
Keras with its preprocessing inside.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from residency.config import require
from residency.errors import ConfigError, did_you_mean


@dataclass(frozen=True, kw_only=True, slots=True)
class Preprocessing:
    """`(pixel - mean) / std`, then the channel order the network expects.

    Example:

    >>> Preprocessing(name="halves", mean=(127.5,) * 3, std=(127.5,) * 3).std
    (127.5, 127.5, 127.5)
    """

    name: str
    """Short word for reports and model files."""
    mean: tuple[Any, ...]
    """Per channel `(3,)` or per pixel `(size, size, 3)`, RGB, in 0..255."""
    std: tuple[float, ...]
    """Per channel `(3,)`, RGB, in 0..255; above 0."""
    channel_order: str = "rgb"
    """`"rgb"`, or `"bgr"` for weights that came from Caffe."""

    def __post_init__(self) -> None:
        require(self, "std", len(self.std) == 3 and min(self.std) > 0, "3 numbers > 0")
        require(self, "channel_order", self.channel_order in ("rgb", "bgr"), "rgb|bgr")
        shape = np.shape(self.mean)
        square = len(shape) == 3 and shape[0] == shape[1] and shape[2] == 3
        if shape != (3,) and not square:
            raise ConfigError(
                "Preprocessing.mean: expected 3 numbers or (size, size, 3), got the "
                f"shape {shape}."
            )

    @property
    def image_size(self) -> int | None:
        """Side of the mean image in pixels; `None` where the mean is per channel."""
        shape = np.shape(self.mean)
        return shape[0] if len(shape) == 3 else None

    def apply(self, images: Any) -> Any:
        """Adds the preprocessing layers to `images` of `(batch, height, width, 3)`.

        Where Keras is set to channels first, `(batch, 3, height, width)`. The
        arithmetic stays in float32 under any precision policy: eight bits of bfloat16
        would round away the difference between neighbouring grey values.
        """
        from keras import layers, ops  # late: the catalog is read without Keras

        from residency.models.layout import channel_axis

        axis = channel_axis()
        scale: Any = 1.0 / np.asarray(self.std)
        offset: Any = -np.asarray(self.mean) * scale
        if axis == 1:  # all three axes, so that Keras' setting of later on adds none
            scale = scale.reshape(3, 1, 1)
            image = offset.reshape(1, 1, 3) if offset.ndim == 1 else offset
            offset = image.transpose(2, 0, 1)
        if self.image_size is None:
            offset = offset.tolist()
        else:
            offset = offset.astype("float32")  # an array: a long list costs time a call
        x = layers.Rescaling(
            scale.tolist(), offset, dtype="float32", name="preprocessing"
        )(images)
        return ops.flip(x, axis=axis) if self.channel_order == "bgr" else x


class Statistics(Protocol):
    """What was measured over the training images, in 0..255."""

    @property
    def mean(self) -> tuple[float, float, float]:
        """Per channel, RGB."""
        ...

    @property
    def std(self) -> tuple[float, float, float]:
        """Per channel, RGB, over all pixels."""
        ...

    @property
    def mean_image(self) -> np.ndarray | None:
        """Per pixel, `(size, size, 3)`; `None` where it was not measured."""
        ...


# Over the 50,000 training images of CIFAR-10, as the ResNeXt re-run states them.
CIFAR10 = Preprocessing(
    name="cifar10",
    mean=(125.307, 122.95, 113.865),
    std=(62.9932, 62.0887, 66.7048),
)

# The modes of keras.applications.imagenet_utils, for 0..255 input. "torch" is there
# 0.485, 0.456, 0.406 / 0.229, 0.224, 0.225 of 0..1; "caffe" is stated in BGR order.
# "lite" is what EfficientNet-lite was trained on (its efficientnet_lite_builder.py).
PREPROCESSINGS = {
    "torch": Preprocessing(
        name="torch", mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375)
    ),
    "caffe": Preprocessing(
        name="caffe",
        mean=(123.68, 116.779, 103.939),
        std=(1.0, 1.0, 1.0),
        channel_order="bgr",
    ),
    "tf": Preprocessing(name="tf", mean=(127.5,) * 3, std=(127.5,) * 3),
    "lite": Preprocessing(name="lite", mean=(127.0,) * 3, std=(128.0,) * 3),
    "none": Preprocessing(name="none", mean=(0.0,) * 3, std=(1.0,) * 3),
}


def normalization(mean: Any, std: Any = (1.0, 1.0, 1.0)) -> Preprocessing:
    """Returns the preprocessing of measured statistics.

    Args:
        mean: Per channel `(3,)`, or a mean image `(size, size, 3)`; RGB, 0..255.
        std: Per channel, 0..255; a channel that never varies (0) counts as 1.

    Raises:
        ConfigError: A shape is neither of those.

    Example:

    >>> normalization((120, 110, 100), (60, 60, 0)).std
    (60.0, 60.0, 1.0)
    """
    mean = np.asarray(mean, dtype="float64")
    return Preprocessing(
        name="mean_image" if mean.ndim == 3 else "dataset",
        mean=_nested_tuple(mean.tolist()),
        std=tuple(float(s) if s > 0 else 1.0 for s in std),
    )


def resolve(
    choice: str | Preprocessing | None, default: Preprocessing
) -> Preprocessing:
    """Returns the preprocessing that a builder's argument means.

    Raises:
        ConfigError: An unknown name; the closest one is suggested.
    """
    if choice is None:
        return default
    if isinstance(choice, Preprocessing):
        return choice
    if choice not in PREPROCESSINGS:
        raise ConfigError(
            f"preprocessing: expected one of {', '.join(PREPROCESSINGS)} or a "
            f"Preprocessing, got {choice!r}.{did_you_mean(str(choice), PREPROCESSINGS)}"
        )
    return PREPROCESSINGS[choice]


def _nested_tuple(values: Any) -> Any:
    return tuple(map(_nested_tuple, values)) if isinstance(values, list) else values
