"""Which class is taken for which, counted and in words."""

from dataclasses import dataclass

import numpy as np

from residency.records import Evaluation


@dataclass(frozen=True, slots=True)
class Confusion:
    """One off-diagonal cell of a confusion matrix."""

    true: int
    """Number of the true class."""
    predicted: int
    """Number of the class it is taken for."""
    count: int
    """Images of which that is so."""
    support: int
    """All images of the true class."""


def confusions(evaluation: Evaluation) -> list[Confusion]:
    """Returns the pairs confused at least once, most often confused first."""
    if not evaluation.classes:
        return []
    counts = np.asarray(evaluation.confusion, dtype=np.int64)
    totals = np.asarray([score.support for score in evaluation.classes])
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    found = [
        Confusion(int(i), int(j), int(counts[i, j]), int(totals[i]))
        for i, j in np.argwhere(wrong)
    ]
    return sorted(found, key=lambda c: (-c.count, -c.count / c.support, c.true))


def confusions_in_words(evaluation: Evaluation, *, most: int = 8) -> list[str]:
    """Returns one sentence for each of the pairs most often confused.

    Then what share of all errors the pairs named make up, and for how many images
    the model gave no numbers, if for any.

    Args:
        evaluation: The part measured.
        most: Pairs to name, at least 1.

    Returns:
        Sentences; one alone if nothing was confused.

    Example:

    >>> from residency.records import ClassScore, Proportion
    >>> names = ("Cockatoo", "Skimmer")
    >>> scores = tuple(ClassScore(name, 0.9, 0.9, 0.9, 33) for name in names)
    >>> counts = ((31, 2), (0, 33))
    >>> right = Proportion(64, 66)
    >>> two = Evaluation("test", False, right, None, 0.1, scores, counts, ())
    >>> for sentence in confusions_in_words(two):
    ...     print(sentence)
    Cockatoo is taken for Skimmer in 2 of 33 images.
    This pair makes up all 2 errors.
    """
    pairs = confusions(evaluation)
    measured = sum(score.support for score in evaluation.classes)
    unanswered = measured - sum(map(sum, evaluation.confusion))
    silent = f"The model gave no numbers for {unanswered:,} of {measured:,} images."
    silence = [silent] if unanswered else []
    if not pairs:
        return silence or ["No image was given a wrong class."]
    names = [score.name for score in evaluation.classes]
    shown = pairs[:most]
    told = [
        f"{names[p.true]} is taken for {names[p.predicted]} in {p.count:,} of "
        f"{p.support:,} images."
        for p in shown
    ]
    return [
        *told,
        _share(sum(p.count for p in shown), sum(p.count for p in pairs), len(shown)),
        *silence,
    ]


def _share(named: int, errors: int, pairs: int) -> str:
    who = "This pair makes" if pairs == 1 else f"These {pairs} pairs make"
    if named == errors:
        return f"{who} up all {errors:,} errors."
    return f"{who} up {100 * named / errors:.0f} % of all {errors:,} errors."
