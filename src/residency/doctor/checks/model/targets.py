"""What the labels are, told from the data alone."""

from dataclasses import dataclass

import numpy as np

from residency.doctor.checks.model.head import Head
from residency.doctor.probe import Probe, class_numbers

EXCLUSIVE = ("one_hot", "soft", "classes", "binary", "signs")
"""Kinds in which each sample is of one class."""


@dataclass(frozen=True, slots=True)
class Targets:
    """The labels of training, with the classes of validation."""

    kind: str
    """`"one_hot"`; `"soft"`: shares of one; `"multi_hot"`: several of 0 and 1;
    `"binary"`: a column of 0 and 1; `"signs"`: of -1 and 1; `"classes"`: of other whole
    numbers; `"real"`; `"text"`; `"maps"`: a label for each place or step."""
    shape: tuple[int, ...]
    """Of one sample; `()` or `(1,)`: a column."""
    count: int
    """Samples that were read."""
    numbers: tuple[int, ...]
    """The classes that occur, of `"one_hot"`, `"binary"` and `"classes"`."""
    values: np.ndarray
    """The labels of training as they came."""

    @property
    def width(self) -> int:
        """Numbers for one sample."""
        return int(np.prod(self.shape)) if self.shape else 1

    @property
    def exclusive_classes(self) -> int:
        """How many classes exclude each other; 0: labels are something else."""
        if self.kind in ("one_hot", "soft"):
            return self.width
        if self.kind in ("binary", "signs"):
            return 2
        return len(self.numbers) if self.kind == "classes" else 0


def read_targets(probe: Probe, head: Head | None = None) -> Targets | None:
    """Returns what the labels are; `None` where there are none, or several."""
    y = probe.train.y
    if y is None or len(y) == 0:
        return None
    kind = _kind(y, head)
    numbers: set[int] = set()
    if kind in ("one_hot", "binary", "classes"):
        held_out = None if probe.validation is None else probe.validation.classes
        found = [probe.train.classes, held_out]
        numbers = {
            int(n) for part in found if part is not None for n in np.unique(part)
        }
    return Targets(kind, y.shape[1:], len(y), tuple(sorted(numbers)), y)


def _kind(y: np.ndarray, head: Head | None) -> str:
    if y.dtype.kind in "OSU":
        return "text"
    steps = (
        head is not None
        and len(head.shape) == y.ndim
        and y.shape[1:] == head.shape[:-1]
    )
    if y.ndim > 2 or (steps and y.ndim == 2):
        return "maps"
    if y.ndim == 2 and y.shape[1] > 1:
        return _kind_of_rows(y)
    found = class_numbers(y)
    if found is None:
        return "real"
    distinct = set(np.unique(found).tolist())
    if distinct <= {0, 1}:
        return "binary"
    return "signs" if distinct == {-1, 1} else "classes"


def _kind_of_rows(y: np.ndarray) -> str:
    sums = y.sum(axis=1)
    if np.isin(y, (0, 1)).all():
        return "one_hot" if (sums == 1).all() else "multi_hot"
    shares = bool((y >= 0).all() and np.allclose(sums, 1, atol=1e-3))
    return "soft" if shares else "real"
