"""Channels last or first: Keras' setting, for the time in which a network is built.

Convolutions, poolings and paddings read the setting themselves and keep it in their
configuration; `channel_axis` is for what takes an axis.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from residency.errors import ConfigError

DATA_FORMATS = ("channels_last", "channels_first")


def channel_axis() -> int:
    """Returns the axis of the channels in `(batch, ...)` maps.

    Example:

    >>> with built_with("channels_first"):
    ...     channel_axis()
    1
    """
    return 1 if keras.config.image_data_format() == "channels_first" else -1


@contextmanager
def built_with(data_format: str | None) -> Iterator[None]:
    """Builds what is built inside with this order of axes; then all is as before.

    Args:
        data_format: `"channels_last"`, `"channels_first"`, or `None` for
            `keras.config.image_data_format()`.

    Raises:
        ConfigError: Another word.
    """
    before = keras.config.image_data_format()
    if data_format not in (None, *DATA_FORMATS):
        raise ConfigError(
            f"data_format: expected one of {', '.join(DATA_FORMATS)} or None, got "
            f"{data_format!r}."
        )
    keras.config.set_image_data_format(data_format or before)
    try:
        yield
    finally:
        keras.config.set_image_data_format(before)
