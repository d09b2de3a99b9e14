"""The index of a source: where each image is, its label, the class names.

Nothing is decoded here. Every source in `data/sources/` ends in an `Index`,
and everything behind it (splits, pipeline, inspection) starts from one.
"""

import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from residency.data.decode import Header
from residency.errors import BrokenImageError, DataError, did_you_mean

HASHED_BYTES = 4 * 10**9  # a few seconds of reading; larger sets go by their sizes

PARTS = ("train", "validation", "test")


class Reader(Protocol):
    """Gives the pixels of sample `i` of the source it was made for."""

    def read(self, i: int) -> np.ndarray:
        """Returns uint8 RGB `(height, width, 3)`; raises `BrokenImageError`."""
        ...

    def header(self, i: int) -> Header:
        """Returns format, size and mode; raises `BrokenImageError`."""
        ...

    def content(self, i: int) -> bytes:
        """Returns the stored bytes (the file's, or the pixels'), for hashing."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """Samples of one source, in a fixed order."""

    source: str
    """What the user typed, for messages."""
    names: tuple[str, ...]
    """One unique, lasting name a sample: the path below the source, with `/`."""
    labels: np.ndarray
    """Class numbers, int64, `(samples,)`, each in `[0, len(class_names))`."""
    class_names: tuple[str, ...]
    """Sorted by name unless the format fixes the order (CIFAR, IDX); numbers that a
    table or an array of words gives, by their value."""
    reader: Reader
    """Shared by all selections of this index; addressed through `rows`."""
    rows: np.ndarray
    """Position of each sample in the reader, int64, `(samples,)`."""
    sizes: np.ndarray
    """Stored bytes of each sample, int64, `(samples,)`."""
    parts: tuple[str, ...] | None = None
    """`"train"`, `"validation"` or `"test"` a sample, where the source has parts."""
    groups: tuple[str, ...] | None = None
    """Samples of one group never land on two sides of a split."""

    def __len__(self) -> int:
        return len(self.names)

    def read(self, i: int) -> np.ndarray:
        """Returns the uint8 RGB pixels of sample `i`; raises `BrokenImageError`."""
        return self.reader.read(int(self.rows[i]))

    def header(self, i: int) -> Header:
        """Returns format, size and mode of sample `i`; raises `BrokenImageError`."""
        return self.reader.header(int(self.rows[i]))

    def content(self, i: int) -> bytes:
        """Returns the stored bytes of sample `i`."""
        return self.reader.content(int(self.rows[i]))

    def select(self, which: Sequence[int] | np.ndarray) -> "Index":
        """Returns the index of the samples numbered `which`, in that order."""
        which = np.asarray(which, dtype=np.int64)

        def pick(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
            return None if values is None else tuple(values[i] for i in which)

        return replace(
            self,
            names=tuple(self.names[i] for i in which),
            labels=self.labels[which],
            rows=self.rows[which],
            sizes=self.sizes[which],
            parts=pick(self.parts),
            groups=pick(self.groups),
        )

    def only_classes(self, classes: Sequence[str]) -> "Index":
        """Returns the index of the classes named, numbered in sorted order.

        Raises:
            DataError: A class is unknown, or fewer than two are named.
        """
        for name in classes:
            if name not in self.class_names:
                raise DataError(
                    f"{self.source}: no class {name!r}."
                    f"{did_you_mean(name, self.class_names)} It has "
                    f"{len(self.class_names)} classes: {shortened(self.class_names)}."
                )
        kept = [name for name in self.class_names if name in set(classes)]
        if len(kept) < 2:
            raise DataError(
                f"{self.source}: {len(kept)} class chosen, at least 2 are needed."
            )
        number = np.full(len(self.class_names), -1, dtype=np.int64)
        for new, name in enumerate(kept):
            number[self.class_names.index(name)] = new
        index = self.select(np.flatnonzero(number[self.labels] >= 0))
        return replace(index, labels=number[index.labels], class_names=tuple(kept))

    def stamps(self) -> list[str]:
        """Returns what tells each sample from a changed one, such as `"812-0b7e2f31"`.

        The number of stored bytes, and the CRC-32 of them; without the CRC-32 where all
        samples together have more than 4 GB.
        """
        sizes = self.sizes.tolist()
        if sum(sizes) > HASHED_BYTES:
            return [str(size) for size in sizes]
        return [f"{size}{self._checksum(i)}" for i, size in enumerate(sizes)]

    def _checksum(self, i: int) -> str:
        try:
            return f"-{zlib.crc32(self.content(i)):08x}"
        except BrokenImageError:
            return ""


def by_number(names: Iterable[str]) -> list[str]:
    """Returns class names sorted: by their value if all are whole numbers.

    >>> by_number(["10", "9", "-1"]), by_number(["10", "9", "x"])
    (['-1', '9', '10'], ['10', '9', 'x'])
    """
    names = sorted(names)
    whole = all(re.fullmatch(r"-?[0-9]{1,18}", name) for name in names)
    return sorted(names, key=int) if whole else names


def shortened(names: Sequence[str], limit: int = 8) -> str:
    """Returns `names` joined by commas, the rest counted.

    >>> shortened(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    text = ", ".join(names[:limit])
    return text if len(names) <= limit else f"{text} and {len(names) - limit} more"
