"""What is in a data set, before anything is trained on it.

Counts, sizes, formats, broken images and exact duplicates, as records; the command
`residency data inspect` prints them.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from residency.data.index import PARTS, Index
from residency.errors import BrokenImageError
from residency.records import Quarantined

DECODE_LIMIT = 20_000  # images; more are judged by their headers and stored bytes


@dataclass(frozen=True, slots=True)
class Range:
    """Smallest, middle and largest of some numbers, in pixels."""

    minimum: int
    median: float
    maximum: int


@dataclass(frozen=True, slots=True)
class ClassCount:
    """Images of one class, in each part."""

    name: str
    counts: dict[str, int]
    """By part: `"train"`, `"validation"`, `"test"`; `"all"` where none is given."""

    @property
    def total(self) -> int:
        """Images of this class in all parts."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Images that are exactly the same."""

    names: tuple[str, ...]
    parts: tuple[str, ...]
    """Part of each of them."""
    classes: tuple[str, ...]
    """Class of each of them."""

    @property
    def across_parts(self) -> bool:
        """They leak from one part into another."""
        return len(set(self.parts)) > 1

    @property
    def contradicting(self) -> bool:
        """The same image has two classes."""
        return len(set(self.classes)) > 1


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `inspect_index` found."""

    source: str
    images: int
    """Broken ones included."""
    classes: tuple[ClassCount, ...]
    """Broken images included; in the order of the class numbers."""
    widths: Range | None
    """`None` if no image could be read."""
    heights: Range | None
    formats: dict[str, int]
    """Images by format, most frequent first; `"array"` for pixels in memory."""
    modes: dict[str, int]
    """Images by colour mode, in Pillow's words, most frequent first."""
    quarantined: tuple[Quarantined, ...]
    duplicates: tuple[Duplicates, ...]
    """Groups of equal images, those across parts first."""
    decoded: bool
    """Every pixel was looked at. If not: headers and stored bytes only, so that a file
    cut off in the middle passes, and the same pixels in two formats count as two."""

    @property
    def imbalance_ratio(self) -> float:
        """Images of the largest class for one of the smallest; infinite if empty."""
        totals = [item.total for item in self.classes]
        return max(totals) / min(totals) if min(totals) else float("inf")


def inspect_index(
    index: Index, *, decode: bool | None = None, workers: int = 0
) -> Inspection:
    """Looks at every image of an index.

    Args:
        index: All samples of a source.
        decode: Looks at the pixels, not only at headers and stored bytes. `None`: up
            to 20,000 images.
        workers: Threads; 0 takes one for each core.

    Returns:
        An `Inspection`.
    """
    decode = len(index) <= DECODE_LIMIT if decode is None else decode
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        looks = list(pool.map(partial(_look, index, decode), range(len(index))))
    seen = [look for look in looks if isinstance(look, _Look)]
    return Inspection(
        source=index.source,
        images=len(index),
        classes=count_classes(index),
        widths=_range([look.width for look in seen]),
        heights=_range([look.height for look in seen]),
        formats=dict(Counter(look.format for look in seen).most_common()),
        modes=dict(Counter(look.mode for look in seen).most_common()),
        quarantined=tuple(
            Quarantined(name, str(look))
            for name, look in zip(index.names, looks, strict=True)
            if isinstance(look, BrokenImageError)
        ),
        duplicates=_duplicates(index, looks),
        decoded=decode,
    )


def count_classes(index: Index) -> tuple[ClassCount, ...]:
    """Returns the number of images of each class in each part."""
    pairs = Counter(zip(index.labels.tolist(), _parts(index), strict=True))
    present = [part for part in (*PARTS, "all") if part in set(_parts(index))]
    return tuple(
        ClassCount(name, {part: pairs[label, part] for part in present})
        for label, name in enumerate(index.class_names)
    )


class _Look(NamedTuple):
    """One readable image."""

    format: str
    mode: str
    height: int
    width: int
    digest: bytes


def _look(index: Index, decode: bool, i: int) -> _Look | BrokenImageError:
    try:
        return _look_at_pixels(index, i) if decode else _look_at_bytes(index, i)
    except BrokenImageError as error:
        return error


def _look_at_pixels(index: Index, i: int) -> _Look:
    image = index.read(i)
    height, width = image.shape[:2]
    digest = hashlib.blake2b(f"{height}x{width}".encode(), digest_size=16)
    digest.update(image.tobytes())
    header = index.header(i)
    return _Look(header.format, header.mode, height, width, digest.digest())


def _look_at_bytes(index: Index, i: int) -> _Look:
    digest = hashlib.blake2b(index.content(i), digest_size=16).digest()
    header = index.header(i)
    return _Look(header.format, header.mode, header.height, header.width, digest)


def _parts(index: Index) -> Sequence[str]:
    return index.parts if index.parts is not None else ("all",) * len(index)


def _range(values: Sequence[int]) -> Range | None:
    if not values:
        return None
    return Range(min(values), float(np.median(values)), max(values))


def _duplicates(
    index: Index, looks: Sequence[_Look | BrokenImageError]
) -> tuple[Duplicates, ...]:
    groups: dict[bytes, list[int]] = {}
    for i, look in enumerate(looks):
        if isinstance(look, _Look):
            groups.setdefault(look.digest, []).append(i)
    parts = _parts(index)
    found = [
        Duplicates(
            names=tuple(index.names[i] for i in group),
            parts=tuple(parts[i] for i in group),
            classes=tuple(index.class_names[index.labels[i]] for i in group),
        )
        for group in groups.values()
        if len(group) > 1
    ]
    return tuple(sorted(found, key=lambda item: not item.across_parts))
