"""What residual networks share: the unit of convolution, the stems, the sums."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras import layers

from residency.errors import ConfigError

SMALL_IMAGE = 64
"""Below this many pixels a side, the ImageNet stem leaves a map of one pixel."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvUnit:
    """Convolution, batch normalisation and, mostly, relu: named as in Keras."""

    use_bias: bool
    epsilon: float

    def __call__(
        self,
        x: Any,
        filters: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: str = "same",
        groups: int = 1,
        relu: bool = True,
        name: str,
    ) -> Any:
        x = layers.Conv2D(
            filters,
            kernel_size,
            strides=stride,
            padding=padding,
            groups=groups,
            use_bias=self.use_bias,
            kernel_initializer="he_normal",
            name=f"{name}_conv",
        )(x)
        x = layers.BatchNormalization(
            momentum=0.9, epsilon=self.epsilon, name=f"{name}_bn"
        )(x)
        return layers.Activation("relu", name=f"{name}_relu")(x) if relu else x

    def padded(self, x: Any, filters: int, *, stride: int, name: str, **more: Any):
        """Adds a 3x3 unit whose stride sees one pixel of zeros on every side.

        Keras' `"same"` pads bottom and right only, half a stride off the shortcut.
        """
        padding = "same"
        if stride > 1:
            x, padding = layers.ZeroPadding2D(1, name=f"{name}_pad")(x), "valid"
        return self(x, filters, 3, stride=stride, padding=padding, name=name, **more)


def stem_for(stem: str, image_size: int | None) -> Callable[[Any, ConvUnit], Any]:
    """Returns what adds the first layers.

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
    return cifar_stem if stem == "cifar" or (small and stem == "auto") else _imagenet


def cifar_stem(x: Any, unit: ConvUnit) -> Any:
    """Adds a 3x3 convolution to 64 channels."""
    return unit(x, 64, 3, name="conv1")


def _imagenet(x: Any, unit: ConvUnit) -> Any:
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = unit(x, 64, 7, stride=2, padding="valid", name="conv1")
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)  # zeros: never above a relu
    return layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)


def add_shortcut(
    x: Any, residual: Any, stride: int, unit: ConvUnit, *, name: str
) -> Any:
    """Adds a block's input to its residual; a 1x1 convolution where shapes differ."""
    filters = residual.shape[-1]
    if stride > 1 or x.shape[-1] != filters:
        x = unit(x, filters, 1, stride=stride, relu=False, name=f"{name}_0")
    x = layers.Add(name=f"{name}_add")([x, residual])
    return layers.Activation("relu", name=f"{name}_out")(x)
