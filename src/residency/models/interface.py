"""The two ends that all networks share: raw pixels in, probabilities out."""

from typing import Any

import keras
from keras import layers

from residency.errors import ConfigError
from residency.models.layout import channel_axis
from residency.models.preprocessing import Preprocessing


def image_input(
    image_size: int | None, preprocessing: Preprocessing, *, smallest: int
) -> tuple[Any, Any]:
    """Returns the input, raw RGB, and the same after preprocessing.

    Both have the order of axes of `residency.models.layout`.

    Args:
        image_size: Side in pixels, or `None` for any size.
        preprocessing: What the network expects.
        smallest: Smallest side the network can take, in pixels.

    Raises:
        ConfigError: The size is too small, or not the size of the mean image.
    """
    if image_size is not None and (
        not isinstance(image_size, int) or image_size < smallest
    ):
        raise ConfigError(
            f"image_size: expected a whole number of pixels, {smallest} or more, got "
            f"{image_size!r}."
        )
    if preprocessing.image_size not in (None, image_size):
        raise ConfigError(
            f"preprocessing: the mean image has {preprocessing.image_size} pixels a "
            f"side, the model's images have {image_size}. Measure the mean image at "
            "the model's image_size, or use a mean per channel."
        )
    shape = [image_size, image_size]
    shape.insert(channel_axis() % 4 - 1, 3)  # the batch is not in it
    inputs = keras.Input(shape, name="images")
    return inputs, preprocessing.apply(inputs)


def require_share(argument: str, value: float) -> None:
    """Raises `ConfigError` for a share outside [0, 1)."""
    if not 0 <= value < 1:
        raise ConfigError(f"{argument}: expected a share in [0, 1), got {value!r}.")


def require_depth(depth: int, rest: int, known: tuple[int, ...]) -> None:
    """Raises `ConfigError` for a depth that is not `6n + rest`; names `known` ones."""
    if depth < 6 + rest or (depth - rest) % 6:
        raise ConfigError(
            f"depth: expected 6n + {rest}, such as {', '.join(map(str, known))}, got "
            f"{depth}. The closest is {6 * max(1, round((depth - rest) / 6)) + rest}."
        )


def require_fixed_size(network: str, image_size: int | None, *, smallest: int) -> None:
    """Raises `ConfigError` for an open image size: the map becomes one vector."""
    if image_size is None:
        raise ConfigError(
            f"image_size: {network}'s first dense layer has weights for every pixel of "
            "the last map, so its size is fixed. Give the side in pixels, "
            f"{smallest} or more."
        )


def classifier(
    x: Any,
    num_classes: int,
    *,
    kernel_initializer: str,
    use_bias: bool = True,
    name: str = "predictions",
) -> Any:
    """Returns probabilities, `(batch, num_classes)`, of feature maps or vectors.

    Maps are averaged first. The logits are a layer of their own, called `name`, for
    losses and engines that want them; the softmax after it is float32 under any
    precision policy.

    Raises:
        ConfigError: Fewer than two classes.
    """
    if not isinstance(num_classes, int) or num_classes < 2:
        raise ConfigError(
            f"num_classes: expected a whole number, 2 or more, got {num_classes!r}. "
            "Two classes are two outputs."
        )
    if len(x.shape) == 4:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = layers.Dense(
        num_classes,
        use_bias=use_bias,
        kernel_initializer=kernel_initializer,
        name=name,
    )(x)
    return layers.Activation("softmax", dtype="float32", name="probabilities")(x)
