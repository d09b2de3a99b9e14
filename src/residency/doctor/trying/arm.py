"""One short training, measured on the way."""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from residency.doctor.cures.treatment import Treatment
from residency.doctor.probe.keep import Weights
from residency.doctor.probe.settings import Settings
from residency.doctor.probe.source import Batch
from residency.doctor.probe.stepper import Stepper, fresh_optimizer
from residency.doctor.trying.pool import Pool, from_place
from residency.doctor.trying.yardstick import Reading, Yardstick

POINTS = 6
"""Moments after the start at which is measured."""
ENOUGH = 2
"""Repeats without which nothing can be told from noise."""

Curve = tuple[Reading, ...]
"""At the start and at `POINTS` equal shares of the way."""


class OutOfTimeError(Exception):
    """The budget is spent."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What all trainings of a session share."""

    pool: Pool
    settings: Settings
    yardstick: Yardstick
    steps: int
    """Of the untreated training."""
    repeats: int
    end: float
    """Of the budget, as `time.monotonic` counts."""


def run_arm(
    model: keras.Model, loss: Any, plan: Plan, how: Treatment
) -> tuple[Curve, ...]:
    """Trains from the present weights, once for each repeat; puts them back.

    Args:
        model: Compiled, or not: then `loss` is given.
        loss: A Keras loss, for a model that is not compiled.
        plan: Batches, steps, time.
        how: What is changed.

    Returns:
        A curve for each repeat; `ENOUGH` of them where no time was left for the rest.

    Raises:
        OutOfTimeError: No time was left for these either.
        Exception: What the user's model raises.
    """
    before = Weights(model)
    try:
        with how.on_model(model):
            stepper = Stepper(model, how.loss or loss)
            start = Weights(model)
            curves: list[Curve] = []
            for repeat in range(plan.repeats):
                try:
                    curves.append(_run(stepper, plan, how, repeat))
                except OutOfTimeError:
                    if len(curves) < ENOUGH:
                        raise
                    break
                start.give_back()
            return tuple(curves)
    finally:
        before.give_back()


def _run(stepper: Stepper, plan: Plan, how: Treatment, repeat: int) -> Curve:
    yardstick = replace(plan.yardstick, by_moving_statistics=how.by_moving_statistics)
    held_out = how.read(plan.pool.held_out)
    batches, steps = _arranged(plan, how, repeat)
    coming = from_place(batches, repeat / plan.repeats)
    optimizer = fresh_optimizer(
        plan.settings.optimizer, plan.settings.first_rate or 0.0
    )
    marks = np.linspace(0, steps, POINTS + 1).round().astype(int)
    curve = [yardstick.measure(stepper.model, held_out)]
    for first, last in itertools.pairwise(marks):
        for step in range(first, last):
            if time.monotonic() > plan.end:
                raise OutOfTimeError
            optimizer.learning_rate = how.rate or plan.settings.rate_at(step)
            loss = stepper.step(optimizer, how.read(next(coming)))
            if not np.isfinite(loss):
                lost = yardstick.measure(stepper.model, held_out)
                return (*curve, *[lost] * (POINTS + 1 - len(curve)))
        curve.append(yardstick.measure(stepper.model, held_out))
    return tuple(curve)


def _arranged(plan: Plan, how: Treatment, repeat: int) -> tuple[Sequence[Batch], int]:
    """Returns the batches of a pass, and the steps that see as many samples."""
    given, steps = plan.pool.batches, how.steps or plan.steps
    if how.arrange is None:
        return given, steps
    batches = how.arrange(given, np.random.default_rng(repeat))
    return batches, max(1, round(steps * len(batches) / len(given)))
