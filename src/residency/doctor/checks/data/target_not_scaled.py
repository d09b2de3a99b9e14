"""RD112: regression targets have a huge or tiny scale."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe
from residency.records import Finding

HUGE, LARGE, TINY = 1000.0, 100.0, 1e-3
"""Root mean square of targets; first outputs are about 1, and a weight moves about the
rate in a step."""
REACHED = 30.0
"""Outputs whose scale is that near to the targets' are scaled by the model itself."""
SQUARED = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")


def run(probe: Probe) -> Sequence[Finding] | None:
    """Compares the scale of targets with that of the first outputs."""
    y, loss = probe.train.y, probe.settings.loss
    if (
        y is None
        or loss is None
        or loss.name not in SQUARED
        or y.dtype.kind not in "fiu"
    ):
        return None
    if not np.isfinite(y).all():
        return None
    rms = float(np.sqrt(np.mean(np.square(y, dtype="float64"))))
    scores = None if probe.forward is None else probe.forward.scores
    first = (
        float(np.sqrt(np.mean(np.square(scores, dtype="float64"))))
        if scores is not None
        else 1.0
    )
    if rms == 0 or not (rms > LARGE or rms < TINY):
        return []
    if rms > LARGE and np.isfinite(first) and first > rms / REACHED:
        return []
    severity = "warning" if rms > HUGE else "advice"
    size = "tiny" if rms < TINY else "huge"
    return [
        Finding(
            code="RD112",
            label="target_not_scaled",
            severity=severity,
            title=(
                f"Targets have a root mean square of {rms:.3g}, the first outputs of "
                f"{first:.3g}."
            ),
            evidence={
                "target_rms": rms,
                "target_min": float(y.min()),
                "target_max": float(y.max()),
                "output_rms": first,
            },
            why=(
                f"With {size} targets the error, and so every gradient, has another "
                "scale than weights and rate are made for: outputs need thousands of "
                "steps to reach them, or the first step overshoots."
            ),
            cure="standardise the targets, and undo it on predictions",
            snippet="mean, std = y.mean(0), y.std(0)\ny = (y - mean) / std",
            effect="the loss starts near 1 and falls at usual rates",
            confidence=0.9,
        )
    ]


CHECK = Check("targets are of the scale of the outputs", run)
