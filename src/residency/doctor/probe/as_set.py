"""The first steps of the training just as it is set, or all of them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from residency.doctor.probe.forward import Signal, inference_outputs
from residency.doctor.probe.gradients import penalty_of
from residency.doctor.probe.graph import Graph
from residency.doctor.probe.keep import Weights
from residency.doctor.probe.settings import Settings
from residency.doctor.probe.source import Batch, rows_of
from residency.doctor.probe.stepper import Stepper, fresh_optimizer
from residency.doctor.probe.views import view_of

STEPS = 120
"""Most steps of a long plan that are run."""
WHOLE_PLAN = 300
"""A plan of at most so many steps is run to its end."""
LITTLE = 0.7
"""A loss above so much of its start: little was learned."""


@dataclass(frozen=True, slots=True)
class AsSet:
    """The first steps of the training just as it is set, or all of them."""

    losses: tuple[float, ...]
    """Before each step, in training mode, penalties included."""
    penalties: tuple[float, ...]
    """What regularizers add to each."""
    rates: tuple[float, ...]
    rows: int
    """Samples of a batch; fewer than training has where time was short."""
    moved: Mapping[str, float]
    """By path of a trainable variable: rms of its change relative to its own rms."""
    outputs: Mapping[str, Signal]
    """By layer, in inference after the last step."""
    inference_loss: float
    """Of the first batch after the last step."""
    training_loss: float
    """The same, in training mode."""
    plain_first: float
    """Before the first step, without what layers and regularizers add."""
    plain_last: float
    """The same after the last, both in training mode."""
    plain_inference_loss: float
    """The inference loss, without what is added."""
    held_out_loss: float | None = None
    """The same of validation; `None`: there is none, or the plan was not run whole."""
    beyond: tuple[float, ...] = ()
    """Losses of further steps, to `STEPS` in all: of a plan that ends long before, with
    little learned."""

    @property
    def diverged(self) -> bool:
        """Whether a loss is not finite."""
        return not np.isfinite(self.losses).all()

    @property
    def learned_little(self) -> bool:
        """Whether the loss is no number, or ends near its start."""
        losses = self.data_losses
        end = float(np.median(losses[-max(3, len(losses) // 4) :]))
        falls = end <= LITTLE * losses[0]
        return self.diverged or not falls or self.plain_last > LITTLE * self.plain_first

    @property
    def data_losses(self) -> np.ndarray:
        """The losses without penalties."""
        return np.array(self.losses) - np.array(self.penalties)


def run_as_set(
    stepper: Stepper,
    graph: Graph,
    settings: Settings,
    batches: Sequence[Batch],
    held_out: Sequence[Batch],
    weights: Weights,
    end: float,
) -> AsSet:
    """Runs the plan from the model's weights; the caller puts them back.

    Args:
        stepper: Of the model.
        graph: Of the same.
        settings: Of the same.
        batches: Of training, in order.
        held_out: Of validation; asked where the whole plan was run.
        weights: Of the model, to start from.
        end: By the monotonic clock, after which no step is begun.
    """
    model, plain = stepper.model, stepper.without_penalties()
    first = plain.training_loss(batches[0])
    weights.give_back()
    before = _values(model)
    optimizer = fresh_optimizer(settings.optimizer, settings.first_rate or 0.0)
    losses: list[float] = []
    penalties: list[float] = []
    rates: list[float] = []
    planned = _planned(settings)
    for step in range(planned):
        if time.monotonic() > end and step >= 3:
            break
        rates.append(settings.rate_at(step))
        penalties.append(penalty_of(model))
        optimizer.learning_rate = rates[-1]
        losses.append(stepper.step(optimizer, batches[step % len(batches)]))
        if not np.isfinite(losses[-1]):
            break
    after = _values(model)
    run = AsSet(
        losses=tuple(losses),
        penalties=tuple(penalties),
        rates=tuple(rates),
        rows=rows_of(batches[0]),
        moved={path: _change(before[path], value) for path, value in after.items()},
        outputs=inference_outputs(model, graph, batches[0][0]),
        inference_loss=stepper.evaluate(batches[0]),
        training_loss=stepper.training_loss(batches[0]),
        plain_first=first,
        plain_last=plain.training_loss(batches[0]),
        plain_inference_loss=plain.evaluate(batches[0]),
        held_out_loss=_mean_loss(plain, held_out if len(losses) == planned else ()),
    )
    short = len(losses) == planned <= STEPS // 2
    if not short or run.diverged or not run.learned_little:
        return run
    return replace(run, beyond=_beyond(stepper, optimizer, batches, planned, end))


def _beyond(
    stepper: Stepper,
    optimizer: Any,
    batches: Sequence[Batch],
    first: int,
    end: float,
) -> tuple[float, ...]:
    losses = []
    for step in range(first, STEPS):
        if time.monotonic() > end:
            break
        penalty = penalty_of(stepper.model)
        losses.append(stepper.step(optimizer, batches[step % len(batches)]) - penalty)
    return tuple(losses)


def _mean_loss(plain: Stepper, batches: Sequence[Batch]) -> float | None:
    if not batches:
        return None
    rows = [rows_of(batch) for batch in batches]
    losses = [plain.evaluate(batch) for batch in batches]
    return float(np.average(losses, weights=rows))


def _planned(settings: Settings) -> int:
    total = settings.total_steps
    return total if total and total <= WHOLE_PLAN else STEPS


def _values(model: keras.Model) -> dict[str, np.ndarray]:
    return {v.path: np.array(view_of(v)) for v in model.trainable_variables}


def _change(before: np.ndarray, after: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        size = float(np.sqrt(np.mean(np.square(before))))
        moved = float(np.sqrt(np.mean(np.square(after - before))))
    return moved / size if size else (float("inf") if moved else 0.0)
