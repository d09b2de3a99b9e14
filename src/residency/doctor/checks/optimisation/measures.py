"""What several checks read off the probe: ends of curves, scales, the plan."""

import math

import numpy as np

from residency.doctor.probe import Node, Probe

NORMALIZED = 10.0
"""Inputs or targets of a larger deviation are of another scale than rates are for."""


def settled(losses: np.ndarray) -> float:
    """Returns where a curve is at its end: the median of its last quarter."""
    return float(np.median(losses[-max(3, len(losses) // 4) :]))


def odd_scale(probe: Probe) -> float | None:
    """Returns the deviation of inputs at the first kernel, or of targets, if large."""
    scales = []
    first = next(iter(probe.graph.weighted), None)
    if first is not None and probe.forward is not None:
        signal = probe.forward.inputs.get(first.name)
        if signal is not None:
            scales.append(math.hypot(signal.std, signal.mean))
    if probe.train.classes is None and probe.train.y is not None:
        targets = probe.train.y
        if targets.dtype.kind in "fiu" and targets.size:
            scales.append(float(np.std(targets.astype("float64"))))
    largest = max(scales, default=0.0)
    return largest if largest > NORMALIZED else None


def batch_rows(probe: Probe) -> int | None:
    """Returns the samples of the first training batch; `None`: there is none."""
    for x, _, _ in probe.train.batches[:1]:
        while isinstance(x, dict | list | tuple):
            x = next(iter(x.values() if isinstance(x, dict) else x))
        return len(x)
    return None


def is_whole_plan(probe: Probe) -> bool:
    """Tells whether the trial ran all planned steps, with full batches."""
    run = probe.trials.as_set if probe.trials is not None else None
    total = probe.settings.total_steps
    if run is None or total is None:
        return False
    return len(run.losses) >= total and run.rows == batch_rows(probe)


def trained_batch_norms(probe: Probe) -> tuple[Node, ...]:
    """Returns the batch normalisations that use the batch's own statistics."""
    return tuple(
        node
        for node in probe.graph.of_kind("BatchNormalization")
        if getattr(node.layer, "trainable", True)
    )
