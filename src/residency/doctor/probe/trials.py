"""Short trainings from the model's weights, all taken back afterwards."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from residency.doctor.probe.as_set import AsSet, run_as_set
from residency.doctor.probe.cost import cut, is_fixed
from residency.doctor.probe.graph import Graph
from residency.doctor.probe.keep import Weights
from residency.doctor.probe.overfit import Overfit, overfit
from residency.doctor.probe.reruns import Reruns, rerun
from residency.doctor.probe.settings import Settings
from residency.doctor.probe.source import Batch, rows_of
from residency.doctor.probe.stepper import Stepper
from residency.doctor.probe.sweep import SweepPoint, factors, highest_rate, sweep

FEW_STEPS = 150
"""Where time is short of so many steps in all, batches are cut, down to `FEW_ROWS`."""
FEW_ROWS = 8
LEAST_STEPS = 8
"""Fewer say nothing; where time is short even of these, none is taken."""
SWEEP_BATCHES = 4
HELD_OUT_BATCHES = 8


@dataclass(frozen=True, slots=True)
class Trials:
    """What short trainings showed; `None`: no time was left for it."""

    as_set: AsSet | None
    overfit: Overfit | None
    sweep: tuple[SweepPoint, ...]
    """By rate; empty: no time was left. Trying ends with the first rate that works: for
    a training that falls as it is set, that is its own."""
    reruns: Reruns = field(default_factory=Reruns)


def run_trials(
    stepper: Stepper,
    graph: Graph,
    settings: Settings,
    batches: Sequence[Batch],
    weights: Weights,
    seconds: float,
    held_out: Sequence[Batch] = (),
) -> Trials | None:
    """Runs the trials; the weights are those of before at the end.

    `None`: the model is too slow for the time.

    Args:
        stepper: Of the model.
        graph: Of the same.
        settings: The optimizer and its rates; without one, only the single batch is
            tried.
        batches: Of training, in order.
        weights: Of the model, to start from.
        seconds: For all together.
        held_out: Of validation; the first are used.
    """
    begin = time.monotonic()
    stepper.gradients(batches[0])
    weights.give_back()
    given = batches
    row = max(1e-9, time.monotonic() - begin) / rows_of(batches[0])
    if not is_fixed(stepper.model):
        batches = cut(given, max(FEW_ROWS, int(seconds / (FEW_STEPS * row))))
    if LEAST_STEPS * row * rows_of(batches[0]) > seconds:
        return None
    run, points = None, ()
    if settings.optimizer is not None and highest_rate(settings):
        until = begin + 0.35 * seconds
        held_out = held_out[:HELD_OUT_BATCHES]
        run = run_as_set(stepper, graph, settings, batches, held_out, weights, until)
        weights.give_back()
        few = batches[: SWEEP_BATCHES if batches is given else SWEEP_BATCHES // 2]
        until = begin + 0.75 * seconds
        points = sweep(stepper, settings, few, weights, factors(run), until)
    until = begin + 0.85 * seconds
    learned = overfit(stepper, batches[0], weights, until)
    again = rerun(stepper, settings, batches, run, weights, begin + seconds)
    return Trials(run, learned, points, again)
