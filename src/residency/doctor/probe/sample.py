"""What was read of one part of the data."""

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np

from residency.doctor.probe.redraw import Redraw, compare_reads
from residency.doctor.probe.source import Batch, Source

AGAIN = 4
"""So many batches are read twice."""


@dataclass(frozen=True)
class Sample:
    """The first batches of a part, all of them where they fit."""

    source: Source
    batches: tuple[Batch, ...]
    """In the order in which they came."""
    again: tuple[Batch, ...]
    """The first of them, read once more in the same epoch; empty: it cannot be."""
    next_epoch: tuple[Batch, ...]
    """The first of the next epoch; empty: not known."""
    complete: bool
    """Whether this is the whole part."""
    steps: int | None
    """Batches of one pass; `None`: not known."""
    size: int | None
    """Samples of one pass; `None`: not known."""

    @cached_property
    def x(self) -> np.ndarray | None:
        """Inputs `(n, ...)`; `None` where there are several, or sizes vary."""
        parts = [x for x, _, _ in self.batches]
        if not parts or not all(isinstance(x, np.ndarray) for x in parts):
            return None
        if len({x.shape[1:] for x in parts}) > 1:
            return None
        return np.concatenate(parts)

    @cached_property
    def y(self) -> np.ndarray | None:
        """Labels `(n, ...)` as they come; `None` where there are none or several."""
        parts = [y for _, y, _ in self.batches]
        if not parts or not all(isinstance(y, np.ndarray) for y in parts):
            return None
        if len({y.shape[1:] for y in parts}) > 1:
            return None
        return np.concatenate(parts)

    @cached_property
    def classes(self) -> np.ndarray | None:
        """Class numbers `(n,)`; `None` where labels are no classes."""
        return class_numbers(self.y)

    @cached_property
    def images(self) -> np.ndarray | None:
        """Inputs as float32 `(n, height, width, channels)`; `None`: no images."""
        x = self.x
        if x is None or x.ndim != 4 or 0 in x.shape:
            return None
        if x.shape[-1] not in (1, 3, 4) and x.shape[1] in (1, 3, 4):
            x = np.moveaxis(x, 1, -1)
        return x.astype("float32") if x.shape[-1] in (1, 3, 4) else None

    @cached_property
    def redraw(self) -> Redraw | None:
        """Whether reading again gives other inputs; `None`: not known."""
        return compare_reads(self.batches, self.again, complete=self.complete)

    @cached_property
    def redrawn(self) -> bool:
        """Whether it is known that the next epoch changes the inputs."""
        found = compare_reads(self.batches, self.next_epoch, complete=self.complete)
        return found is not None and found.random


def class_numbers(y: np.ndarray | None) -> np.ndarray | None:
    """Returns class numbers of labels; `None` where they are not classes.

    One-hot rows, whole numbers, a column of them, or numbers of two values.
    """
    if y is None or len(y) == 0:
        return None
    if y.ndim == 2 and y.shape[1] > 1:
        one_hot = np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()
        return y.argmax(axis=1) if one_hot else None
    if y.size != len(y):
        return None
    y = y.reshape(-1)
    if y.dtype == bool:
        return y.astype(int)
    if not np.issubdtype(y.dtype, np.number) or not np.isfinite(y).all():
        return None
    whole = bool((y == np.round(y)).all())
    distinct = len(np.unique(y))
    if not whole or (distinct > 20 and distinct > len(y) / 4):
        return None
    return y.astype(int)


def read_sample(
    data: Any, *, seconds: float, max_bytes: int, batch_size: int
) -> Sample:
    """Reads the start of a part, or all of it.

    Args:
        data: What `Source` takes.
        seconds: Reading ends after so long, with one batch at least.
        max_bytes: Most that is kept.
        batch_size: Of arrays.

    Raises:
        DataError: As `Source`.
        Exception: What the user's own data raise.
    """
    source = data if isinstance(data, Source) else Source(data, batch_size)
    end = time.monotonic() + seconds
    steps, size = source.steps, source.size
    batches: list[Batch] = []
    held = 0
    complete = True
    for batch in source.batches():
        batches.append(batch)
        held += sum(a.nbytes for a in keras.tree.flatten(batch) if a is not None)
        full = held >= max_bytes or time.monotonic() > end
        if full or (steps is not None and len(batches) == steps):
            complete = steps is not None and len(batches) >= steps
            break
    again: tuple[Batch, ...] = ()
    if not source.is_iterator:
        again = _first_of(source, AGAIN, end)
    following = source.next_epoch()
    return Sample(
        source=source,
        batches=tuple(batches),
        again=again,
        next_epoch=() if following is None else _first_of(following, AGAIN, end),
        complete=complete,
        steps=len(batches) if complete else steps,
        size=sum(_length(batch) for batch in batches) if complete else size,
    )


def _first_of(source: Source, count: int, end: float) -> tuple[Batch, ...]:
    found: list[Batch] = []
    for batch in source.batches():
        found.append(batch)
        if len(found) == count or time.monotonic() > end:
            break
    return tuple(found)


def _length(batch: Batch) -> int:
    x = batch[0]
    while not isinstance(x, np.ndarray):
        x = next(iter(x.values() if isinstance(x, dict) else x))
    return len(x)
