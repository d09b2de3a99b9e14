"""RD106: batches are sorted by class, or always the same."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe, Sample, class_numbers
from residency.records import Finding

SHUFFLES = 200
PURE = 0.15
"""Excess of equal pairs in a batch, 1 where each batch has one class."""
Z = 6.0


def run(probe: Probe) -> Sequence[Finding] | None:
    """Compares the classes of batches with random order, then two epochs."""
    train = probe.train
    if train.source.is_arrays:
        return []  # `fit` shuffles arrays itself
    found = _sorted(train)
    if found is not None:
        return [found]
    fixed = _fixed(train)
    if fixed is None and train.classes is None:
        return None
    return [fixed] if fixed is not None else []


def _sorted(train: Sample) -> Finding | None:
    parts = [class_numbers(y) for _, y, _ in train.batches if isinstance(y, np.ndarray)]
    batches = [part for part in parts if part is not None and len(part) > 1]
    if len(batches) < 3 or len(batches) != len(
        [p for p in parts if p is None or len(p) > 1]
    ):
        return None
    y = np.concatenate(batches)
    if len(np.unique(y)) < 2:
        return None
    sizes = [len(batch) for batch in batches]
    if sum(sizes) == len(sizes):
        return None
    seen = _equal_pairs(y, sizes)
    rng = np.random.default_rng(0)
    random = [_equal_pairs(rng.permutation(y), sizes) for _ in range(SHUFFLES)]
    expected, spread = float(np.mean(random)), float(np.std(random))
    excess = (seen - expected) / max(1 - expected, 1e-9)
    if excess < PURE or seen - expected < Z * max(spread, 1e-9):
        return None
    distinct = float(np.mean([len(np.unique(batch)) for batch in batches]))
    return Finding(
        code="RD106",
        label="data_not_shuffled",
        severity="warning",
        title=(
            f"Batches are sorted by class: two samples of a batch have the same class "
            f"in {100 * seen:.0f} % of the cases, {100 * expected:.0f} % in random "
            "order."
        ),
        evidence={
            "equal_pairs": seen,
            "equal_pairs_random": expected,
            "z": (seen - expected) / max(spread, 1e-9),
            "classes_per_batch": distinct,
            "batches": len(batches),
        },
        why=(
            "Each step pulls the network towards the classes of one batch and the next "
            "pulls back; batch normalisation sees statistics of single classes."
        ),
        cure="shuffle all samples before they are batched",
        snippet="order = rng.permutation(len(x))\nx, y = x[order], y[order]",
        effect="the loss falls steadily and validation follows",
        confidence=0.95,
    )


def _equal_pairs(y: np.ndarray, sizes: Sequence[int]) -> float:
    """Returns the share of pairs inside batches that have equal classes."""
    equal, pairs, start = 0, 0, 0
    for size in sizes:
        _, counts = np.unique(y[start : start + size], return_counts=True)
        equal += int((counts * (counts - 1)).sum())
        pairs += size * (size - 1)
        start += size
    return equal / pairs


def _fixed(train: Sample) -> Finding | None:
    """Batches that come back with just the same members in the next epoch."""
    if not train.next_epoch or len(train.batches) < 4:
        return None
    known = {key for batch in train.batches if (key := _members(batch)) is not None}
    again = [_members(batch) for batch in train.next_epoch]
    if not known or None in again or not all(key in known for key in again):
        return None
    return Finding(
        code="RD106",
        label="data_not_shuffled",
        severity="warning",
        title=(
            f"The first {len(again)} batches of the next epoch have the members they "
            "had before."
        ),
        evidence={"same_batches": len(again), "batches": len(train.batches)},
        why=(
            "Batches with fixed members give the same gradients in every epoch; their "
            "accidents, and those of batch normalisation, are learnt as well."
        ),
        cure="shuffle before batching, anew in each epoch",
        snippet="train = samples.cache().shuffle(len_of_data).batch(32)",
        effect="a little better generalisation",
        confidence=0.7,
    )


def _members(batch: tuple) -> tuple | None:
    x, y, _ = batch
    if not isinstance(x, np.ndarray) or len(x) < 4:
        return None
    if isinstance(y, np.ndarray) and len(np.unique(y, axis=0)) > 1:
        return (len(y), y.tobytes())  # pixels may change at random, labels do not
    return (len(x), *sorted(hash(row.tobytes()) for row in x))


CHECK = Check("training samples come in random order", run)
