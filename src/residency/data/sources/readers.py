"""The readers every source ends in: files, parts of files, an array in memory."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from residency.data.decode import Header, decode, probe, require_file
from residency.errors import BrokenImageError


@dataclass(frozen=True, slots=True, eq=False)
class FileReader:
    """Image files, opened when they are asked for."""

    paths: tuple[Path, ...]

    def read(self, i: int) -> np.ndarray:
        """Returns file `i` as uint8 RGB `(height, width, 3)`."""
        return decode(self.paths[i])

    def header(self, i: int) -> Header:
        """Returns what file `i` says of itself."""
        return probe(self.paths[i])

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

    def header(self, i: int) -> Header:
        """Returns the size of image `i`."""
        height, width = self.images.shape[1:3]
        return Header("array", width, height, "RGB" if self.images.ndim == 4 else "L")

    def content(self, i: int) -> bytes:
        """Returns the stored pixels of image `i`, row by row."""
        return self.images[i].tobytes()


@dataclass(frozen=True, slots=True, eq=False)
class SpanReader:
    """Images that lie somewhere in larger files, opened when they are asked for."""

    files: tuple[Path, ...]
    places: np.ndarray
    """Of each image its file's number, its first byte and its length, int64,
    `(images, 3)`."""
    shapes: np.ndarray | None = None
    """Height, width and channels of each, int64, `(images, 3)`, where pixels are
    stored, uint8, row by row; `None` where files of images are."""

    def read(self, i: int) -> np.ndarray:
        """Returns image `i` as uint8 RGB `(height, width, 3)`."""
        content = self.content(i)
        if self.shapes is None:
            return decode(content)
        pixels = np.frombuffer(content, np.uint8).reshape(self.shapes[i])
        return np.repeat(pixels, 3 // pixels.shape[2], axis=2)

    def header(self, i: int) -> Header:
        """Returns what image `i` says of itself."""
        if self.shapes is None:
            return probe(self.content(i))
        height, width, channels = map(int, self.shapes[i])
        return Header("array", width, height, "RGB" if channels == 3 else "L")

    def content(self, i: int) -> bytes:
        """Returns the bytes of image `i`; raises `BrokenImageError` without them."""
        number, begin, length = map(int, self.places[i])
        try:
            with open(self.files[number], "rb") as file:
                file.seek(begin)
                content = file.read(length)
        except OSError as error:
            raise BrokenImageError(f"cannot be opened: {error.strerror}") from error
        if len(content) < length:
            raise BrokenImageError("cut off: the file has become shorter")
        return content


def common_side(reader: object) -> int | None:
    """Returns the longer side of images that all have one size; `None` for files."""
    if isinstance(reader, ArrayReader):
        return max(reader.images.shape[1:3])
    if isinstance(reader, SpanReader) and reader.shapes is not None:
        sides = np.unique(reader.shapes[:, :2], axis=0)
        return int(sides.max()) if len(sides) == 1 else None
    return None
