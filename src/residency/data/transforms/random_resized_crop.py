"""The crop of the ImageNet papers: a random part of the photo, to the target size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from residency.config import require
from residency.data.resize import resize

_TRIES = 10  # as in torchvision; then the centre


@dataclass(frozen=True, kw_only=True, slots=True)
class RandomResizedCrop:
    """Cuts a box of random area, aspect ratio and place, and resizes it.

    A box that does not fit is drawn again, up to ten times; then the largest centred
    box with an allowed aspect ratio is taken. Must come first among the transforms:
    it works on the photo before it becomes a square.

    Example:

    >>> crop = RandomResizedCrop(scale=(1.0, 1.0), ratio=(1.0, 1.0))
    >>> crop.apply([np.zeros((30, 40, 3), np.uint8)], np.zeros((1, 22)), 16).shape
    (1, 16, 16, 3)

    Reference: [Szegedy et al., 2014](https://arxiv.org/abs/1409.4842), section 6, as
    in torchvision.
    """

    scale: tuple[float, float] = (0.08, 1.0)
    """Least and greatest share of the photo's area, in `(0, 1]`."""
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    """Least and greatest width / height; drawn uniformly on a log scale."""

    draws: ClassVar[int] = 2 * _TRIES + 2

    def __post_init__(self) -> None:
        low, high = self.scale
        require(self, "scale", 0 < low <= high <= 1, "(low, high) with 0<low<=high<=1")
        low, high = self.ratio
        require(self, "ratio", 0 < low <= high, "(low, high) with 0 < low <= high")

    def apply(
        self, images: Sequence[np.ndarray] | np.ndarray, draws: np.ndarray, size: int
    ) -> np.ndarray:
        """Returns a new batch.

        Args:
            images: uint8 photos, each `(height, width, 3)` of its own size.
            draws: Uniforms in `[0, 1)`, `(batch, 22)`: ten areas, ten aspect ratios,
                place down, place right.
            size: Side of the result, in pixels.

        Returns:
            uint8 of shape `(batch, size, size, 3)`.
        """
        shapes = np.array([image.shape[:2] for image in images]).reshape(-1, 2)
        result = np.empty((len(images), size, size, 3), np.uint8)
        boxes = self.boxes(shapes, draws).tolist()
        for i, (top, left, height, width) in enumerate(boxes):
            part = images[i][top : top + height, left : left + width]
            result[i] = resize(part, size, "stretch")
        return result

    def boxes(self, shapes: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """Returns the box that each photo is cut to.

        Args:
            shapes: Whole pixels, `(batch, 2)`: height, width.
            draws: As in `apply`.

        Returns:
            int64 of shape `(batch, 4)`: top, left, height, width.
        """
        tried = self._tried(shapes, draws)  # (batch, 10, 2)
        fits = np.all((tried > 0) & (tried <= shapes[:, None]), axis=2)
        first = tried[np.arange(len(shapes)), fits.argmax(axis=1)]
        found = np.any(fits, axis=1)[:, None]
        sides = np.where(found, first, self._fallback(shapes))
        room = shapes - sides
        anywhere = (draws[:, 2 * _TRIES :] * (room + 1)).astype(np.int64)
        return np.hstack([np.where(found, anywhere, room // 2), sides])

    def _tried(self, shapes: np.ndarray, draws: np.ndarray) -> np.ndarray:
        low, high = self.scale
        share = low + draws[:, :_TRIES] * (high - low)
        area = share * shapes.prod(axis=1)[:, None]
        low, high = np.log(self.ratio)
        ratio = np.exp(low + draws[:, _TRIES : 2 * _TRIES] * (high - low))
        sides = np.stack([np.sqrt(area / ratio), np.sqrt(area * ratio)], axis=2)
        return np.rint(sides).astype(np.int64)

    def _fallback(self, shapes: np.ndarray) -> np.ndarray:
        """Returns the largest sides within the photo whose ratio is allowed."""
        height, width = shapes[:, 0], shapes[:, 1]
        low, high = self.ratio
        sides = np.stack(
            [np.minimum(height, width / low), np.minimum(width, height * high)], axis=1
        )
        return np.maximum(1, np.rint(sides)).astype(np.int64)
