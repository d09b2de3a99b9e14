"""Training batches for the trials, and rows of them that no trial trains on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from residency.doctor.cures.order import joined, rows_of, taken
from residency.doctor.probe.source import Batch

EVERY = 5
"""Each fifth row is held out, wherever it stands: of sorted data, of each class."""
MOST_HELD_OUT = 250
"""Rows of which are measured."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Rows to train on, in their order, and rows to measure with."""

    batches: tuple[Batch, ...]
    held_out: Batch


def split(batches: Sequence[Batch]) -> Pool | None:
    """Holds rows out; `None`: there are too few to do so."""
    train: list[Batch] = []
    held_out: list[Batch] = []
    seen = 0
    for batch in batches:
        number = np.arange(seen, seen + rows_of(batch))
        seen += len(number)
        kept_back = number % EVERY == EVERY - 1
        if not kept_back.all():
            train.append(taken(batch, np.flatnonzero(~kept_back)))
        if kept_back.any():
            held_out.append(taken(batch, np.flatnonzero(kept_back)))
    if not train or not held_out:
        return None
    return Pool(tuple(train), spread(joined(held_out), MOST_HELD_OUT))


def thinned(pool: Pool, rows: int, held_out: int) -> Pool:
    """Returns batches of at most so many rows each, and so many rows held out."""
    batches = tuple(taken(batch, slice(rows)) for batch in pool.batches)
    return Pool(batches, spread(pool.held_out, held_out))


def spread(batch: Batch, count: int) -> Batch:
    """Returns at most so many rows, from all over the batch."""
    rows = rows_of(batch)
    return taken(batch, np.linspace(0, rows - 1, min(rows, count)).round().astype(int))


def from_place(batches: Sequence[Batch], place: float) -> Iterator[Batch]:
    """Yields the batches without end, in their order, from a share of a pass on.

    Other starts are the other orders of a repeat: the order itself may be the fault.
    """
    start = int(place * len(batches))
    while True:
        for n in range(len(batches)):
            yield batches[(start + n) % len(batches)]
