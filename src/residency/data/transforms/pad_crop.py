"""The crop of the CIFAR papers: pad all round, cut the old size at random."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from residency.config import require


@dataclass(frozen=True, kw_only=True, slots=True)
class PadCrop:
    """Pads each image on all sides and cuts its old size at a random place.

    Each of the `(2 * padding + 1)²` places is equally likely, drawn per image.

    Example:

    >>> image = np.full((1, 2, 2, 3), 9, np.uint8)
    >>> PadCrop(padding=1).apply(image, np.zeros((1, 2)), 2)[0, :, :, 0].tolist()
    [[0, 0], [0, 9]]

    Reference: [He et al., 2015](https://arxiv.org/abs/1512.03385), section 4.2.
    """

    padding: int = 4
    """Pixels added on each side, at least 0."""
    fill: tuple[int, int, int] = (0, 0, 0)
    """Colour of the padding, RGB in 0..255. The papers pad with zeros after the mean
    is subtracted, which in raw pixels is the mean: `(125, 123, 114)` for CIFAR-10."""

    draws: ClassVar[int] = 2

    def __post_init__(self) -> None:
        require(self, "padding", self.padding >= 0, "a whole number of at least 0")
        fits = len(self.fill) == 3 and all(0 <= value <= 255 for value in self.fill)
        require(self, "fill", fits, "three whole numbers from 0 to 255")

    def apply(self, images: np.ndarray, draws: np.ndarray, size: int) -> np.ndarray:
        """Returns a new batch.

        Args:
            images: uint8 of shape `(batch, height, width, 3)`.
            draws: Uniforms in `[0, 1)`, `(batch, 2)`: down, right.
            size: Not used: the cut has the size of the image.
        """
        count, height, width, _ = images.shape
        pad = self.padding
        padded = np.empty((count, height + 2 * pad, width + 2 * pad, 3), np.uint8)
        padded[:] = self.fill
        padded[:, pad : pad + height, pad : pad + width] = images
        offsets = (draws * (2 * pad + 1)).astype(np.int64)
        result = np.empty_like(images)
        for i, (top, left) in enumerate(offsets.tolist()):
            result[i] = padded[i, top : top + height, left : left + width]
        return result
