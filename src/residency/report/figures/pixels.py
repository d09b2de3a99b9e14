"""Arrays as pictures: any dtype, any range, any size to RGB bytes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from residency.errors import DataError

Bytes = npt.NDArray[np.uint8]

TINY = 64  # pixels; below this an image is enlarged in whole blocks, not blurred


def as_bytes(images: Sequence[npt.NDArray[Any]] | npt.NDArray[Any]) -> list[Bytes]:
    """Returns the images as uint8 RGB, whatever range they came in.

    uint8 stays as it is. Other numbers are read as one batch, so that all its
    images are treated alike: within 0..1 they are multiplied by 255, within
    0..255 they are taken as they are, anything else (normalised inputs) is
    stretched so that the batch's lowest value is black and its highest white.
    Values that are no numbers become black.

    Args:
        images: Each `(height, width)`, `(height, width, 1)`, `(..., 3)` or
            `(..., 4)`; sizes may differ. Transparent pixels are laid on white.

    Returns:
        Arrays of shape `(height, width, 3)`.

    Raises:
        DataError: An array has another shape, or no pixels.

    Example:

    >>> as_bytes([np.array([[0.0, 1.0]])])[0][0, :, 0].tolist()
    [0, 255]
    >>> as_bytes([np.array([[-2.0, 2.0]])])[0][0, :, 0].tolist()
    [0, 255]
    """
    arrays = [_checked(np.asarray(image), i) for i, image in enumerate(images)]
    others = [a for a in arrays if a.dtype != np.uint8]
    low, high = _range(others)
    return [_rgb(a if a.dtype == np.uint8 else _scaled(a, low, high)) for a in arrays]


def fitted(image: Bytes, side: int) -> Bytes:
    """Returns the image as large as fits into a square of `side` pixels.

    Below 64 pixels it is enlarged by a whole number, pixel by pixel, so that
    what the model sees is what is shown; larger ones are resampled smoothly.

    Example:

    >>> fitted(np.zeros((32, 32, 3), np.uint8), 180).shape
    (160, 160, 3)
    """
    height, width = image.shape[:2]
    longest = max(height, width)
    if longest < TINY and longest <= side:
        factor = side // longest
        return image.repeat(factor, axis=0).repeat(factor, axis=1)
    size = (max(1, side * width // longest), max(1, side * height // longest))
    picture = Image.fromarray(image).resize(size, Image.Resampling.LANCZOS)
    return np.asarray(picture, dtype=np.uint8)


def _checked(array: npt.NDArray[Any], number: int) -> npt.NDArray[Any]:
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or array.size == 0:
        raise DataError(
            f"image {number} of the grid: expected shape (height, width, 1, 3 or 4) "
            f"with at least one pixel, got {array.shape}."
        )
    return array


def _range(arrays: Sequence[npt.NDArray[Any]]) -> tuple[float, float]:
    """Returns the values that are drawn black and white."""
    low, high = np.inf, -np.inf
    for array in arrays:
        finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    if low >= 0 and high <= 255:
        return 0.0, 255.0
    return (low, high) if low < high else (0.0, 1.0)


def _scaled(array: npt.NDArray[Any], low: float, high: float) -> Bytes:
    values = (array.astype(np.float64) - low) * (255.0 / (high - low))
    values = np.nan_to_num(values, nan=0.0, posinf=255.0, neginf=0.0)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _rgb(array: Bytes) -> Bytes:
    if array.shape[2] == 1:
        return np.repeat(array, 3, axis=2)
    if array.shape[2] == 4:
        alpha = array[:, :, 3:].astype(np.float64) / 255
        laid = array[:, :, :3] * alpha + 255 * (1 - alpha)
        return np.rint(laid).astype(np.uint8)
    return array
