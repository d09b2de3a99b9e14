"""Can the model learn anything at all: steps on a single small batch."""

import time
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from residency.doctor.probe.cost import is_fixed
from residency.doctor.probe.gradients import penalty_of
from residency.doctor.probe.keep import Weights
from residency.doctor.probe.source import Batch, first_rows, rows_of
from residency.doctor.probe.stepper import Stepper

OVERFIT_STEPS = 80
OVERFIT_ROWS = 32
OVERFIT_RATES = (1e-3, 1e-2, 1e-4)
"""Of Adam, tried until one works."""
LEARNED = 0.5
"""A single batch counts as learned when its loss is below so much of its start."""


@dataclass(frozen=True, slots=True)
class Overfit:
    """Steps on a single small batch: can the model learn anything at all?"""

    losses: tuple[float, ...]
    """Of the best of some rates, penalties left out."""
    rows: int
    rate: float
    """Of Adam."""


def overfit(
    stepper: Stepper, batch: Batch, weights: Weights, end: float
) -> Overfit | None:
    """Tries to learn one batch by heart; the weights are those of before at the end."""
    if not is_fixed(stepper.model):
        batch = first_rows(batch, OVERFIT_ROWS)
    rows = rows_of(batch)
    tried: list[Overfit] = []
    for rate in OVERFIT_RATES:
        losses = _steps_on(stepper, batch, keras.optimizers.Adam(rate), end)
        weights.give_back()
        tried.append(Overfit(tuple(losses), rows, rate))
        if not losses or losses[-1] < LEARNED * losses[0]:
            break
    finite = [t for t in tried if t.losses and np.isfinite(t.losses).all()]
    return min(finite, key=lambda t: min(t.losses[-5:]), default=None)


def _steps_on(
    stepper: Stepper, batch: Batch, optimizer: Any, end: float
) -> list[float]:
    losses: list[float] = []
    for _ in range(OVERFIT_STEPS):
        if time.monotonic() > end:
            break
        penalty = penalty_of(stepper.model)
        losses.append(stepper.step(optimizer, batch) - penalty)
        if not np.isfinite(losses[-1]) or losses[-1] < 0.1 * losses[0]:
            break
    return losses
