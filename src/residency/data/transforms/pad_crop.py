"""The crop of the CIFAR papers: pad all round, cut the old size at random."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

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
    reflect: bool = False
    """Pad with the image mirrored at its border instead of with `fill`."""

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
        if self.reflect:
            sides = ((0, 0), (pad, pad), (pad, pad), (0, 0))
            padded = np.pad(images, sides, mode="reflect")
        else:
            border = np.full(
                (height + 2 * pad, width + 2 * pad, 3), self.fill, np.uint8
            )
            padded = np.tile(border, (count, 1, 1, 1))
            padded[:, pad : pad + height, pad : pad + width] = images
        cuts = sliding_window_view(padded, (height, width, 3), axis=(1, 2, 3))
        down, right = (draws.T * (2 * pad + 1)).astype(np.int64)
        return cuts[np.arange(count), down, right, 0]
