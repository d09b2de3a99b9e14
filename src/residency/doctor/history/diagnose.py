"""All checks over the curves of one run."""

from dataclasses import replace
from typing import Any

from residency.doctor.history.checks import (
    best_epoch,
    claim,
    disagreement,
    diverged,
    oscillating,
    overconfident,
    overfitting,
    plateau,
    stuck,
    too_short,
    underfitting,
)
from residency.doctor.history.curves import Curves
from residency.doctor.history.read import read_history
from residency.records import Finding

CHECKS = {
    "RD501": diverged.check,
    "RD502": stuck.check,
    "RD503": oscillating.check,
    "RD504": overfitting.check,
    "RD505": underfitting.check,
    "RD506": overconfident.check,
    "RD507": disagreement.check,
    "RD508": plateau.check,
    "RD509": best_epoch.check,
    "RD510": too_short.check,
    "RD511": claim.check,
}
"""By the code of what each one finds."""

RANK = {"error": 0, "warning": 1, "advice": 2}


def diagnose_history(history: Any, *, recipe: str | None = None) -> tuple[Finding, ...]:
    """Returns what the curves of a run tell alone, strongest first.

    Args:
        history: `Curves`, or anything that `read_history` takes.
        recipe: Name of a recipe to compare with, where the run does not say its own.

    Raises:
        DataError: Nothing in `history` can be read as curves.
        ConfigError: There is no such recipe.

    Example:

    >>> [f.code for f in diagnose_history({"loss": [2.3, 2.2, float("nan")]})]
    ['RD501']
    """
    curves = read_history(history)
    if recipe is not None:
        curves = _with_claim(curves, recipe)
    broken = tuple(diverged.check(curves))
    if broken:  # all else that the curves show is a consequence
        return broken
    found = [finding for check in CHECKS.values() for finding in check(curves)]
    return tuple(sorted(found, key=lambda f: (RANK[f.severity], -f.confidence)))


def _with_claim(curves: Curves, name: str) -> Curves:
    from residency.recipes import get_recipe  # late: the checks do without them

    promised = get_recipe(name).claim
    percent = promised.accuracy_percent if promised is not None else None
    return replace(curves, recipe=name, claim_percent=percent)
