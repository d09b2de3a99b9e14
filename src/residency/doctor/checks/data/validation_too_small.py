"""RD114: too few validation samples to tell two models apart."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe
from residency.records import Finding, Proportion

LEAST = 150
"""From about here the 95 % interval of an accuracy of 90 % is 10 points wide."""


def run(probe: Probe) -> Sequence[Finding] | None:
    """Gives the interval of an accuracy of nine in ten."""
    part = probe.validation
    if part is None or part.size is None or not part.complete or part.classes is None:
        return None
    n = part.size
    if n >= LEAST or n == 0:
        return []
    low, high = Proportion(round(0.9 * n), n).interval
    return [
        Finding(
            code="RD114",
            label="validation_too_small",
            severity="advice",
            title=(
                f"{n} validation samples: an accuracy of 90 % means {100 * low:.0f} to "
                f"{100 * high:.0f} %."
            ),
            evidence={
                "samples": n,
                "low": low,
                "high": high,
                "points_per_sample": 100 / n,
            },
            why="Differences of a few points between runs are chance.",
            cure="hold out more, or cross-validate",
            snippet="folds = StratifiedKFold(5, shuffle=True).split(x, y)",
            effect="numbers that can be compared",
        )
    ]


CHECK = Check("validation has enough samples to tell", run)
