"""Left-right mirroring, image by image."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from residency.config import require_between


@dataclass(frozen=True, kw_only=True, slots=True)
class RandomFlip:
    """Mirrors each image left to right with a given probability.

    Example:

    >>> image = np.arange(6, dtype=np.uint8).reshape(1, 1, 2, 3)
    >>> RandomFlip(probability=1.0).apply(image, np.zeros((1, 1)), 2).tolist()
    [[[[3, 4, 5], [0, 1, 2]]]]
    """

    probability: float = 0.5
    """Share of images mirrored, in `[0, 1]`."""

    draws: ClassVar[int] = 1

    def __post_init__(self) -> None:
        require_between(self, "probability", 0, 1)

    def apply(self, images: np.ndarray, draws: np.ndarray, size: int) -> np.ndarray:
        """Returns a new batch.

        Args:
            images: uint8 of shape `(batch, height, width, 3)`.
            draws: Uniforms in `[0, 1)`, `(batch, 1)`.
            size: Not used: mirroring keeps the size.
        """
        flipped = np.flatnonzero(draws[:, 0] < self.probability)
        result = images.copy()
        backwards = np.arange(images.shape[2])[::-1]
        result[flipped] = np.take(images[flipped], backwards, axis=2)
        return result
