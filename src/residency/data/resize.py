"""From any size to the square that a model sees: one resampling, antialiased.

The reference is Pillow's bilinear filter, whose support grows with the reduction.
Training, evaluation and prediction all come through here.
"""

import numpy as np
from PIL import Image

from residency.errors import ConfigError, did_you_mean

MODES = ("stretch", "pad", "crop")


def resize(image: np.ndarray, size: int, mode: str) -> np.ndarray:
    """Returns the image as a square; untouched where it already is that square.

    Args:
        image: uint8 RGB of shape `(height, width, 3)`.
        size: Side of the result, in pixels, at least 1.
        mode: `"stretch"` changes the aspect ratio; `"pad"` keeps it and fills up
            with black, centred; `"crop"` keeps it and cuts the centre square.

    Returns:
        uint8 RGB of shape `(size, size, 3)`.

    Raises:
        ConfigError: Unknown mode.

    Example:

    >>> resize(np.full((50, 100, 3), 9, np.uint8), 20, "pad")[:, 0, 0].tolist()
    [0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0, 0]
    """
    if mode not in MODES:
        raise ConfigError(
            f"resize: expected one of {', '.join(MODES)}, got {mode!r}."
            f"{did_you_mean(mode, MODES)}"
        )
    height, width = image.shape[:2]
    if (height, width) == (size, size):
        return image
    if mode == "stretch":
        return _resampled(image, size, size)
    if mode == "pad":
        return _padded(image, size)
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    return _resampled(image, size, size, (left, top, left + side, top + side))


def shrink(image: np.ndarray, shorter_side: int) -> np.ndarray:
    """Returns the image with its shorter side at most `shorter_side` pixels.

    Args:
        image: uint8 RGB of shape `(height, width, 3)`.
        shorter_side: In pixels. A smaller image is returned untouched.

    Returns:
        uint8 RGB with the same aspect ratio, to the pixel.
    """
    height, width = image.shape[:2]
    if min(height, width) <= shorter_side:
        return image
    return _resampled(image, *shrunk_size(height, width, shorter_side))


def shrunk_size(height: int, width: int, shorter_side: int) -> tuple[int, int]:
    """Returns the `(height, width)` that `shrink` gives.

    >>> shrunk_size(900, 600, 448)
    (672, 448)
    """
    scale = min(1.0, shorter_side / min(height, width))
    return round(height * scale), round(width * scale)


def _padded(image: np.ndarray, size: int) -> np.ndarray:
    height, width = image.shape[:2]
    scale = size / max(height, width)
    inner = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (size - inner[0]) // 2, (size - inner[1]) // 2
    square = np.zeros((size, size, 3), np.uint8)
    square[top : top + inner[0], left : left + inner[1]] = _resampled(image, *inner)
    return square


def _resampled(
    image: np.ndarray,
    height: int,
    width: int,
    box: tuple[float, float, float, float] | None = None,
) -> np.ndarray:
    picture = Image.fromarray(image)
    return np.array(picture.resize((width, height), Image.Resampling.BILINEAR, box))
