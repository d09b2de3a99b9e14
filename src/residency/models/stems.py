"""The first layers of residual networks: for large images and for small ones."""

from typing import Any

from keras import layers

from residency.errors import ConfigError
from residency.models.residual import ConvUnit

SMALL_IMAGE = 64
"""Below this many pixels a side, the ImageNet stem leaves a map of one pixel."""


def is_cifar_stem(stem: str, image_size: int | None) -> bool:
    """Tells whether a network begins with the stem for small images.

    Args:
        stem: `"imagenet"`, a 7x7 convolution and max-pooling, both with stride 2;
            `"cifar"`, a 3x3 convolution with stride 1; `"auto"`, the second below
            `SMALL_IMAGE` pixels.
        image_size: Side in pixels; `None` for any size.

    Raises:
        ConfigError: The ImageNet stem on small images, or an unknown stem.
    """
    if stem not in ("auto", "imagenet", "cifar"):
        raise ConfigError(
            f"stem: expected 'auto', 'imagenet' or 'cifar', got {stem!r}."
        )
    small = image_size is not None and image_size < SMALL_IMAGE
    if small and stem == "imagenet":
        raise ConfigError(
            f"stem: 'imagenet' divides the image by 32; {image_size} pixels end in a "
            f"map of {-(-(image_size or 0) // 32)} pixel(s) a side, too coarse to "
            f"learn from. Use stem='cifar', or images of {SMALL_IMAGE} pixels or more."
        )
    return stem == "cifar" or (small and stem == "auto")


def cifar_stem(x: Any, unit: ConvUnit) -> Any:
    """Adds a 3x3 convolution to 64 channels."""
    return unit(x, 64, 3, name="conv1")


def imagenet_stem(x: Any, unit: ConvUnit) -> Any:
    """Adds a 7x7 convolution to 64 channels and max-pooling, both with stride 2."""
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = unit(x, 64, 7, stride=2, padding="valid", name="conv1")
    return pool_of_stem(x)


def deep_stem(x: Any, unit: ConvUnit) -> Any:
    """Adds three 3x3 convolutions in place of the 7x7 (He et al., 2019, ResNet-C)."""
    x = unit.padded(x, 32, stride=2, name="conv1_1")
    x = unit(x, 32, 3, name="conv1_2")
    return pool_of_stem(unit(x, 64, 3, name="conv1_3"))


def pool_of_stem(x: Any) -> Any:
    """Adds 3x3 max-pooling with stride 2."""
    # zeros, as in Keras: never above a relu, but above a negative pixel without one
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    return layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
