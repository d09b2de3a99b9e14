"""Which rates work: some steps at each, over a few batches again and again."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from residency.doctor.probe.as_set import LITTLE, STEPS, AsSet
from residency.doctor.probe.gradients import penalty_of
from residency.doctor.probe.keep import Weights
from residency.doctor.probe.settings import Settings
from residency.doctor.probe.source import Batch
from residency.doctor.probe.stepper import Stepper, fresh_optimizer

LOWER = (0.1, 0.01, 0.001)
HIGHER = (10.0, 100.0, 1000.0)
"""Of the user's highest rate: what is tried where the loss rises, or stands still."""
SWEEP_STEPS = 16
EXPLODED = 100.0
"""A loss of so many times its start ends a trial."""


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """Some steps at one fixed rate, over a few batches again and again."""

    rate: float
    start: float
    """Mean loss of the batches at the first weights, penalties left out."""
    end: float
    """The same over the last pass; `inf` where it is not finite."""


def highest_rate(settings: Settings) -> float:
    """Returns the highest rate of the plan, in size; at least of the first steps."""
    steps = range(
        0,
        settings.total_steps or STEPS,
        max(1, (settings.total_steps or STEPS) // STEPS),
    )
    return max(abs(settings.rate_at(step)) for step in steps)


def sweep(
    stepper: Stepper,
    settings: Settings,
    batches: Sequence[Batch],
    weights: Weights,
    factors: Sequence[float],
    end: float,
) -> tuple[SweepPoint, ...]:
    """Tries rates until one works; the weights are those of before at the end.

    Args:
        stepper: Of the model.
        settings: Of the same.
        batches: A few, gone through again and again.
        weights: Of the model, to start from.
        factors: Of the plan's highest rate, in the order of trying.
        end: By the monotonic clock, after which no step is begun.
    """
    penalty = penalty_of(stepper.model)
    losses = [stepper.training_loss(batch) for batch in batches]
    weights.give_back()
    start = float(np.mean(losses)) - penalty
    base = highest_rate(settings)
    points: list[SweepPoint] = []
    for factor in factors:
        reached = _at_rate(stepper, settings, batches, base * factor, start, end)
        weights.give_back()
        if reached is None:
            break
        points.append(SweepPoint(base * factor, start, reached))
        if reached < LITTLE * start:
            break
    return tuple(sorted(points, key=lambda p: p.rate))


def _at_rate(
    stepper: Stepper,
    settings: Settings,
    batches: Sequence[Batch],
    rate: float,
    start: float,
    end: float,
) -> float | None:
    """Returns the mean loss of the last pass; `None`: there was no time for two."""
    optimizer = fresh_optimizer(settings.optimizer, rate)
    losses: list[float] = []
    for step in range(SWEEP_STEPS):
        if time.monotonic() > end:
            break
        penalty = penalty_of(stepper.model)
        losses.append(stepper.step(optimizer, batches[step % len(batches)]) - penalty)
        if not np.isfinite(losses[-1]):
            return float("inf")
        if losses[-1] > EXPLODED * max(abs(start), 1e-3):
            return losses[-1]
    if len(losses) < 2 * len(batches):
        return None
    return float(np.mean(losses[-len(batches) :]))


def factors(run: AsSet) -> tuple[float, ...]:
    """Returns what rates to try, after how the training as set went."""
    losses = run.data_losses
    end = float(np.median(losses[-max(3, len(losses) // 4) :]))
    if not run.diverged and end < LITTLE * losses[0]:
        return (1.0,)
    if run.diverged or losses.max() > 1.5 * losses[0] or end > 1.2 * losses[0]:
        return (*LOWER, 1.0)
    return (1.0, *HIGHER, *LOWER)
