"""RD110: label values are impossible for loss and output."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe
from residency.records import Finding


def run(probe: Probe) -> Sequence[Finding] | None:
    """Compares the labels of both parts with what the loss takes."""
    loss = probe.settings.loss
    if loss is None or not loss.is_crossentropy or not probe.graph.outputs:
        return None
    units = probe.graph.output.shape[-1] if probe.graph.output.shape else None
    for name, sample in (("training", probe.train), ("validation", probe.validation)):
        y = None if sample is None else sample.y
        if y is None or y.dtype.kind not in "fiub" or not y.size:
            continue
        problem = _problem(loss.name, y.astype("float64"), units)
        if problem is not None:
            return [_finding(name, *problem)]
    return [] if probe.train.y is not None else None


def _problem(
    loss: str, y: np.ndarray, units: int | None
) -> tuple[str, str, str, dict] | None:
    if not np.isfinite(y).all():
        return "NaN or infinity", "finite numbers", "y = y[np.isfinite(y)]", {}
    low, high = float(y.min()), float(y.max())
    numbers: dict[str, Any] = {"min": low, "max": high, "units": units}
    if loss == "binary_crossentropy":
        if low >= 0 and high <= 1:
            return None
        cure = "y = (y > 0).astype('float32')"
        if set(np.unique(y)) <= {1.0, 2.0}:
            cure = "y = y - 1"
        return f"{low:.4g}..{high:.4g}", "0..1", cure, numbers
    if loss == "categorical_crossentropy":
        if y.ndim < 2 or y.shape[-1] < 2 or low >= 0:
            return None
        return f"{low:.4g}..{high:.4g}", "0..1, rows that sum to 1", "", numbers
    if y.ndim > 1 and y.shape[-1] > 1:
        return None  # a matter of encoding
    fraction = y != np.round(y)
    if fraction.any() and units is not None and not _shifted(y, units):
        return None  # no class numbers at all: loss_task_mismatch
    if fraction.any():
        words = f"fractions such as {float(y[fraction][0]):.4g}"
        return (
            words,
            "whole numbers from 0",
            "y = np.rint(y * scale).astype('int32')",
            numbers,
        )
    if low < 0:
        cure = "y = y - y.min()" if low == -1 else "x, y = x[y >= 0], y[y >= 0]"
        return f"{low:.0f}..{high:.0f}", "whole numbers from 0", cure, numbers
    if units is not None and units > 1 and high >= units and _shifted(y, units):
        offset = "y = y - 1" if low == 1 else "y = np.unique(y, return_inverse=True)[1]"
        return f"{low:.0f}..{high:.0f}", f"0..{units - 1}", offset, numbers
    return None


def _shifted(y: np.ndarray, units: int) -> bool:
    """Whether as many classes as units would do, were they numbered from 0."""
    return len(np.unique(y)) <= units


def _finding(part: str, got: str, allowed: str, snippet: str, numbers: dict) -> Finding:
    return Finding(
        code="RD110",
        label="label_range",
        severity="error",
        title=f"Labels of the {part} part are {got}; loss and output allow {allowed}.",
        evidence={"part": part, **numbers},
        why=(
            "The loss indexes its outputs with these numbers: it raises, ignores the "
            "sample, or is no likelihood any more."
        ),
        cure="number the classes from 0",
        snippet=snippet,
        effect="the loss becomes what it is named",
    )


CHECK = Check("label values are possible for loss and output", run)
