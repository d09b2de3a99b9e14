"""The order and the size of batches."""

from collections.abc import Sequence

import keras
import numpy as np

from residency.doctor.cures.treatment import Case, Treatment
from residency.doctor.probe.source import Batch
from residency.records import Finding

SMALLER = 32
"""Rows of the batches that replace large ones."""
MOST_UPDATES = 100
"""Of a plan with too few."""


def joined(batches: Sequence[Batch]) -> Batch:
    """Returns the rows of all batches as one."""
    return tuple(
        None
        if any(part is None for part in parts)
        else keras.tree.map_structure(lambda *a: np.concatenate(a), *parts)
        for parts in zip(*batches, strict=True)
    )  # pyright: ignore[reportReturnType]


def rows_of(batch: Batch) -> int:
    """Returns the number of samples."""
    return len(keras.tree.flatten(batch[0])[0])


def taken(batch: Batch, rows: np.ndarray | slice) -> Batch:
    """Returns some rows of a batch."""
    return tuple(
        None if part is None else keras.tree.map_structure(lambda a: a[rows], part)
        for part in batch
    )  # pyright: ignore[reportReturnType]


def cut(batch: Batch, order: np.ndarray, size: int) -> list[Batch]:
    """Returns rows of `batch` in this order, in batches of `size`."""
    return [taken(batch, order[n : n + size]) for n in range(0, len(order), size)]


def shuffled(finding: Finding, case: Case) -> Treatment | None:
    """Deals all rows anew into batches, where they are sorted.

    Batches that come back with the same members in each epoch show in no few steps.
    """
    if "same_batches" in finding.evidence:
        return None

    def arrange(batches: Sequence[Batch], rng: np.random.Generator) -> Sequence[Batch]:
        whole = joined(batches)
        return cut(whole, rng.permutation(rows_of(whole)), rows_of(batches[0]))

    return Treatment(words="samples in random order", arrange=arrange)


def smaller_batches(finding: Finding, case: Case) -> Treatment | None:
    """Cuts large batches: more updates for the same samples."""
    rows = rows_of(case.train.batches[0])
    if rows < 2 * SMALLER:
        return None

    def arrange(batches: Sequence[Batch], rng: np.random.Generator) -> Sequence[Batch]:
        whole = joined(batches)
        return cut(whole, np.arange(rows_of(whole)), SMALLER)

    updates = finding.evidence.get("updates")
    return Treatment(
        words=f"batches of {SMALLER}",
        arrange=arrange,
        steps=min(updates, MOST_UPDATES) if isinstance(updates, int) else None,
        faster_only=True,
    )


CURES = {
    "data_not_shuffled": (shuffled,),
    "batch_size_bad": (smaller_batches,),
}
