"""What differs when the same batches are read twice: random changes of the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from residency.doctor.probe.source import Batch


@dataclass(frozen=True, slots=True)
class Redraw:
    """Two reads of the start of a part."""

    random: bool
    """Whether the inputs differ for the same samples."""
    first: np.ndarray | None
    """Inputs `(n, ...)` of the first read; `None`: the order differs too."""
    second: np.ndarray | None
    """The same samples, read again."""


def compare_reads(
    batches: Sequence[Batch], again: Sequence[Batch], *, complete: bool
) -> Redraw | None:
    """Compares the first batches with the same ones read again.

    Args:
        batches: The first read, from its start.
        again: The first of the second read.
        complete: Whether `batches` is the whole part.

    Returns:
        `None`: it cannot be told, as where the second read has another order and the
        first is not known whole.
    """
    pairs = list(zip(batches, again, strict=False))
    arrays = all(isinstance(b[0], np.ndarray) for pair in pairs for b in pair)
    if not pairs or not arrays:
        return None
    if all(a[0].shape == b[0].shape and _same_labels(a[1], b[1]) for a, b in pairs):
        shapes = {a[0].shape[1:] for a, _ in pairs}
        if len(shapes) == 1:
            first = np.concatenate([a[0] for a, _ in pairs])
            second = np.concatenate([b[0] for _, b in pairs])
            labelled = pairs[0][0][1] is not None
            if labelled or np.array_equal(first, second, equal_nan=True):
                differ = not _close(first, second)
                return Redraw(differ, first, second)
    if not complete:
        return None
    known = {row.tobytes() for x, _, _ in batches for row in x}
    seen = [row.tobytes() in known for x, _, _ in again for row in x]
    return Redraw(float(np.mean(seen)) < 0.5, None, None)


def _same_labels(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    return (
        isinstance(a, np.ndarray)
        and isinstance(b, np.ndarray)
        and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    )


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    a, b = a.astype("float32"), b.astype("float32")
    spread = float(np.nanstd(a)) or 1.0
    return bool(np.allclose(a, b, rtol=0, atol=1e-5 * spread, equal_nan=True))
