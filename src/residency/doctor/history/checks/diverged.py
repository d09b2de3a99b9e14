"""RD501: the loss stops being a number, or explodes."""

import math
from collections.abc import Iterator

from residency.doctor.history.curves import Curves, finite, median, one_digit
from residency.records import Finding


def check(curves: Curves) -> Iterator[Finding]:
    """Yields a training loss that is no number, or ends far above where it was."""
    broken = next((n for n, v in enumerate(curves.loss) if not math.isfinite(v)), None)
    clean = finite(curves.loss)
    if broken is not None:
        shown = f"{curves.loss[broken]}"
        before = f", {curves.loss[broken - 1]:.3g} the epoch before" if broken else ""
        yield _finding(
            f"The training loss is {shown} in epoch {broken + 1}{before}.",
            {"epoch": broken + 1, "epochs": curves.epochs},
            0.9 if broken else 0.6,  # from the first epoch on it may be the data
            curves,
        )
    elif len(clean) >= 3:
        best, last = min(clean), median(clean[-2:])
        if last > 3 * best and last > 1.5 * clean[0] and last - best > 0.5:
            yield _finding(
                f"The training loss rose from {best:.3g} to {last:.3g}; it began at "
                f"{clean[0]:.3g}.",
                {"first": clean[0], "lowest": best, "last": last},
                0.9,
                curves,
            )


def _finding(
    title: str, evidence: dict[str, float], confidence: float, curves: Curves
) -> Finding:
    rate = max(finite(curves.learning_rate), default=None)
    return Finding(
        code="RD501",
        label="lr_too_high",
        severity="error",
        title=title,
        evidence=evidence | ({} if rate is None else {"highest_rate": rate}),
        why="The steps are so large that each lands higher than the last. The weights "
        "of this run are of no use.",
        cure="Lower the learning rate ten times, or warm it up; look for NaN in the "
        "data if it happens in the first epoch.",
        snippet=f"learning_rate={one_digit(rate / 10) if rate else '... / 10'}",
        effect="The loss falls from the first epoch on.",
        confidence=confidence,
    )
