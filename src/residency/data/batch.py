"""What one step is made of."""

from dataclasses import dataclass

import numpy as np

from residency.records import Quarantined


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Images and labels of one step."""

    images: np.ndarray
    """uint8 RGB, `(batch, size, size, 3)`. Where a step has none, as every one was
    broken or other processes have them all, a pipeline gives one black image."""
    labels: np.ndarray
    """Class numbers, int64, `(batch,)`."""
    rows: np.ndarray
    """Positions of the images in their part, int64, `(batch,)`."""
    broken: tuple[Quarantined, ...] = ()
    """Images that belonged here but could not be decoded."""

    def __len__(self) -> int:
        """Number of images of the part, so not of a black one."""
        return len(self.rows)
