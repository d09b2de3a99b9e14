"""RD511: the run falls short of what its recipe promises."""

from collections.abc import Iterator

from residency.doctor.history.curves import Curves, best_index, interval
from residency.records import Finding

ALLOWED = 1.0
"""Points below the promise that images held out from training may cost."""


def check(curves: Curves) -> Iterator[Finding]:
    """Yields a finished run whose interval ends below the published accuracy."""
    best = best_index(curves)
    if curves.claim_percent is None or best is None or not curves.val_accuracy:
        return
    if curves.total_epochs is not None and curves.epochs < curves.total_epochs:
        return
    reached = curves.val_accuracy[best]
    low, high = interval(reached, curves.validation_count)
    short = curves.claim_percent - 100 * high
    if short < ALLOWED:
        return
    changed = ", ".join(curves.changed)
    yield Finding(
        code="RD511",
        label="recipe_departure",
        severity="advice" if curves.changed else "warning",
        title=f"{curves.recipe or 'The recipe'} promises {curves.claim_percent:.2f} %, "
        f"the best epoch has {100 * reached:.2f} % ({100 * low:.1f} to "
        f"{100 * high:.1f})" + (f"; changed: {changed}." if changed else "."),
        evidence={
            "promised": curves.claim_percent,
            "reached": 100 * reached,
            "high": 100 * high,
            "changed": changed,
        },
        why="With the same settings the same figure should come out, within its "
        "interval.",
        cure="Put the changed settings back, one at a time."
        if changed
        else "Compare data, split and versions with those of the recipe.",
        snippet=f"residency train {curves.recipe}" if curves.recipe else "",
        effect="The published figure.",
        confidence=0.8,
    )
