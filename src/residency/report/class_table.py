"""The classes in the order a person wants them, the weak ones marked."""

import math
from collections.abc import Sequence

from residency.records import ClassScore

WEAK_F1 = 0.75  # of the mean F1: a class below it is behind, whatever the spread
MOST_MARKED = 5


def worst_first(scores: Sequence[ClassScore]) -> list[ClassScore]:
    """Returns the classes by F1, lowest first."""
    return sorted(scores, key=lambda score: score.f1)


def weak_classes(scores: Sequence[ClassScore]) -> frozenset[str]:
    """Returns the names to mark: the worst five of those that are behind the rest.

    A class is behind if its F1 is more than one standard deviation below the mean,
    or below three quarters of it.
    """
    if len(scores) < 3:
        return frozenset()
    mean = sum(s.f1 for s in scores) / len(scores)
    spread = math.sqrt(sum((s.f1 - mean) ** 2 for s in scores) / len(scores))
    behind = [s for s in scores if s.f1 < mean - spread or s.f1 < WEAK_F1 * mean]
    worst = sorted(behind, key=lambda s: s.f1)[:MOST_MARKED]
    return frozenset(s.name for s in worst)
