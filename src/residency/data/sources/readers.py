"""The two readers every source ends in: files on disk, and an array in memory."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from residency.data.decode import decode, require_file
from residency.errors import BrokenImageError


@dataclass(frozen=True, slots=True, eq=False)
class FileReader:
    """Image files, opened when they are asked for."""

    paths: tuple[Path, ...]

    def read(self, i: int) -> np.ndarray:
        """Returns file `i` as uint8 RGB `(height, width, 3)`."""
        return decode(self.paths[i])

    def content(self, i: int) -> bytes:
        """Returns the bytes of file `i`; raises `BrokenImageError` without one."""
        try:
            require_file(self.paths[i])
            return self.paths[i].read_bytes()
        except OSError as error:
            raise BrokenImageError(f"cannot be opened: {error.strerror}") from error


@dataclass(frozen=True, slots=True, eq=False)
class ArrayReader:
    """Images of one size that are in memory already."""

    images: np.ndarray
    """uint8, `(images, height, width)` grey or `(images, height, width, 3)` RGB."""

    def read(self, i: int) -> np.ndarray:
        """Returns image `i` as uint8 RGB `(height, width, 3)`."""
        image = self.images[i]
        return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=-1)

    def content(self, i: int) -> bytes:
        """Returns the stored pixels of image `i`, row by row."""
        return self.images[i].tobytes()
