"""RD304: batches so large that few updates happen, or so small that they are noise."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.optimisation.measures import (
    batch_rows,
    is_whole_plan,
    settled,
    trained_batch_norms,
)
from residency.doctor.probe import Probe
from residency.records import Finding

FEW_UPDATES = 100
"""Updates in which hardly any network learns a task from its first weights."""
LARGE = 256
"""Rows above which smaller batches cost no speed worth naming."""
FEW_BATCHES = 8
"""Batches of an epoch, of large ones; with a single batch, its size does not matter."""
SMALL_WITH_NORM = 4
"""Wu and He (2018), figure 1: the error of ResNet-50 rises below 8 images."""
LEARNED = 0.5


def check(probe: Probe) -> Sequence[Finding] | None:
    """Judges the batch against the data, the plan and the normalisations."""
    rows = batch_rows(probe)
    if rows is None:
        return None
    steps, total = probe.settings.steps_per_epoch, probe.settings.total_steps
    if rows <= SMALL_WITH_NORM and steps != 1:
        norms = len(trained_batch_norms(probe))
        if norms:
            return [_noisy_statistics(rows, norms)]
        if rows == 1:
            return [_single(probe, rows)]
    if total is None or steps is None:
        return None
    large = (rows >= LARGE and steps <= FEW_BATCHES) or (steps == 1 and rows >= 64)
    if not large or total > FEW_UPDATES or _learns(probe):
        return []
    return [_few_updates(rows, steps, total)]


def _learns(probe: Probe) -> bool:
    """Tells whether the plan, run whole, brings the loss down all the same."""
    if not is_whole_plan(probe) or probe.trials is None or probe.trials.as_set is None:
        return False
    losses = probe.trials.as_set.data_losses
    return bool(np.isfinite(losses).all()) and settled(losses) < LEARNED * losses[0]


def _few_updates(rows: int, steps: int, total: int) -> Finding:
    smaller = 32 if rows * steps < 10_000 else 128
    more = max(2, rows // smaller)
    return Finding(
        code="RD304",
        label="batch_size_bad",
        severity="warning",
        title=f"Batches of {rows} give {steps} updates an epoch and {total} in all.",
        evidence={"batch": rows, "updates_per_epoch": steps, "updates": total},
        why="A network is changed by updates, not by images seen: so few of them end "
        "long before it has learned.",
        cure=f"Batches of {smaller}, or {more} times as many epochs.",
        snippet=f"model.fit(..., batch_size={smaller})",
        effect=f"{more} times as many updates for the same images.",
        confidence=0.85,
    )


def _noisy_statistics(rows: int, norms: int) -> Finding:
    return Finding(
        code="RD304",
        label="batch_size_bad",
        severity="warning",
        title=f"{norms} batch normalisations take their statistics from {rows} "
        f"image{'s' if rows > 1 else ''} at a time.",
        evidence={"batch": rows, "batch_normalisations": norms},
        why="Means and variances of so few images are noise, and the moving ones, used "
        "in prediction, fit none of the batches.",
        cure="Batches of 16 or more, or normalisation that needs no batch.",
        snippet="keras.layers.GroupNormalization(groups=8)",
        effect="A steadier loss; training and validation agree.",
        confidence=0.85,
    )


def _single(probe: Probe, rows: int) -> Finding:
    run = probe.trials.as_set if probe.trials is not None else None
    losses = np.zeros(0) if run is None else run.data_losses
    stuck = len(losses) >= 40 and not settled(losses) < 0.97 * float(losses[:20].mean())
    return Finding(
        code="RD304",
        label="batch_size_bad",
        severity="warning" if stuck else "advice",
        title="Each step sees a single sample"
        + (f", and {len(losses)} of them do not lower the loss." if stuck else "."),
        evidence={"batch": rows, "trial_steps": len(losses)},
        why="The gradient of one sample is mostly noise, and nothing runs in parallel.",
        cure="Batches of 16 to 128.",
        snippet="model.fit(..., batch_size=32)",
        effect="A steadier loss, and epochs several times as fast.",
        confidence=0.7,
    )
