"""What one step is made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from residency.records import Quarantined


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Images and labels of one step."""

    images: Any
    """uint8 RGB, `(batch, size, size, 3)`: an array, or a tensor on the device that
    trains, and so are the labels; no image at all if every one was broken.
    An empty share of a batch has one black image instead, so that it can be computed
    on; `len` does not count it."""
    labels: Any
    """Class numbers, int64, `(batch,)`."""
    rows: np.ndarray
    """Positions of the images in their part, int64, `(batch,)`."""
    broken: tuple[Quarantined, ...] = ()
    """Images that belonged here but could not be decoded."""

    def __len__(self) -> int:
        return len(self.rows)


class Batches(Protocol):
    """What gives the batches of a training."""

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yields those of one epoch, counted from 0, from step `start` on."""
        ...
