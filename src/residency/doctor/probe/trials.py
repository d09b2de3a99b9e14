"""Short trainings from the model's weights, all taken back afterwards."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from residency.doctor.probe.forward import Signal, inference_outputs
from residency.doctor.probe.gradients import penalty_of
from residency.doctor.probe.graph import Graph
from residency.doctor.probe.keep import Weights
from residency.doctor.probe.settings import Settings
from residency.doctor.probe.source import Batch
from residency.doctor.probe.stepper import Stepper

STEPS = 120
"""Most steps of a long plan that are run."""
WHOLE_PLAN = 300
"""A plan of at most so many steps is run to its end."""
FEW_STEPS = 150
"""Where time is short of so many steps in all, batches are cut, down to `FEW_ROWS`."""
FEW_ROWS = 8
LOWER = (0.1, 0.01, 0.001)
HIGHER = (10.0, 100.0, 1000.0)
"""Of the user's highest rate: what is tried where the loss rises, or stands still."""
WORKS = 0.7
"""A rate works that brings the loss below so much of its start; no more are tried."""
SWEEP_STEPS = 16
SWEEP_BATCHES = 4
EXPLODED = 100.0
"""A loss of so many times its start ends a trial."""
OVERFIT_STEPS = 80
OVERFIT_ROWS = 32
OVERFIT_RATES = (1e-3, 1e-2, 1e-4)
"""Of Adam, tried until one works."""
LEARNED = 0.5
"""A single batch counts as learned when its loss is below so much of its start."""


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

    @property
    def diverged(self) -> bool:
        """Whether a loss is not finite."""
        return not np.isfinite(self.losses).all()

    @property
    def data_losses(self) -> np.ndarray:
        """The losses without penalties."""
        return np.array(self.losses) - np.array(self.penalties)


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """Some steps at one fixed rate, over a few batches again and again."""

    rate: float
    start: float
    """Mean loss of the batches at the first weights, penalties left out."""
    end: float
    """The same over the last pass; `inf` where it is not finite."""


@dataclass(frozen=True, slots=True)
class Overfit:
    """Steps on a single small batch: can the model learn anything at all?"""

    losses: tuple[float, ...]
    """Of the best of some rates, penalties left out."""
    rows: int
    rate: float
    """Of Adam."""


@dataclass(frozen=True, slots=True)
class Trials:
    """What short trainings showed; `None`: no time was left for it."""

    as_set: AsSet | None
    overfit: Overfit | None
    sweep: tuple[SweepPoint, ...]
    """By rate; empty: no time was left. Trying ends with the first rate that works: for
    a training that falls as it is set, that is its own."""


def run_trials(
    stepper: Stepper,
    graph: Graph,
    settings: Settings,
    batches: Sequence[Batch],
    seconds: float,
) -> Trials:
    """Runs the trials; the weights are those of before at the end.

    Args:
        stepper: Of the model.
        graph: Of the same.
        settings: The optimizer and its rates; without one, only the single batch is
            tried.
        batches: Of training, in order.
        seconds: For all together.
    """
    begin = time.monotonic()
    weights = Weights(stepper.model)
    stepper.gradients(batches[0])
    weights.give_back()
    given = batches
    batches = _cut(given, time.monotonic() - begin, seconds)
    as_set, sweep = None, ()
    if settings.optimizer is not None and _highest_rate(settings):
        until = begin + 0.35 * seconds
        as_set = _as_set(stepper, graph, settings, batches, until)
        weights.give_back()
        until = begin + 0.85 * seconds
        few = batches[: SWEEP_BATCHES if batches is given else SWEEP_BATCHES // 2]
        factors = _factors(as_set)
        sweep = _sweep(stepper, settings, few, weights, factors, until)
    overfit = _overfit(stepper, batches[0], weights, begin + seconds)
    return Trials(as_set, overfit, sweep)


def fresh_optimizer(optimizer: Any, rate: float) -> Any:
    """Returns an optimizer of the same settings with a state and a rate of its own."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    config = dict(optimizer.get_config())
    config["learning_rate"] = rate
    for name in ("loss_scale_factor", "gradient_accumulation_steps"):
        if name in config:
            config[name] = None
    return type(optimizer).from_config(config)


def _cut(batches: Sequence[Batch], cost: float, seconds: float) -> Sequence[Batch]:
    """Returns batches of fewer rows where a step costs too much of the time."""
    rows = len(keras.tree.flatten(batches[0][0])[0])
    affordable = int(rows * seconds / (FEW_STEPS * max(cost, 1e-9)))
    if affordable >= rows:
        return batches
    return [_first_rows(batch, max(FEW_ROWS, affordable)) for batch in batches]


def _first_rows(batch: Batch, rows: int) -> Batch:
    return tuple(
        None if part is None else keras.tree.map_structure(lambda a: a[:rows], part)
        for part in batch
    )  # pyright: ignore[reportReturnType]


def _as_set(
    stepper: Stepper,
    graph: Graph,
    settings: Settings,
    batches: Sequence[Batch],
    end: float,
) -> AsSet:
    model = stepper.model
    before = _values(model)
    optimizer = fresh_optimizer(settings.optimizer, settings.first_rate or 0.0)
    losses: list[float] = []
    penalties: list[float] = []
    rates: list[float] = []
    for step in range(_planned(settings)):
        if time.monotonic() > end and step >= 3:
            break
        rates.append(settings.rate_at(step))
        penalties.append(penalty_of(model))
        optimizer.learning_rate = rates[-1]
        losses.append(stepper.step(optimizer, batches[step % len(batches)]))
        if not np.isfinite(losses[-1]):
            break
    after = _values(model)
    moved = {path: _change(before[path], value) for path, value in after.items()}
    inference_loss = stepper.evaluate(batches[0])
    outputs = inference_outputs(model, graph, batches[0][0])
    return AsSet(
        losses=tuple(losses),
        penalties=tuple(penalties),
        rates=tuple(rates),
        rows=len(keras.tree.flatten(batches[0][0])[0]),
        moved=moved,
        outputs=outputs,
        inference_loss=inference_loss,
        training_loss=stepper.training_loss(batches[0]),
    )


def _planned(settings: Settings) -> int:
    total = settings.total_steps
    return total if total and total <= WHOLE_PLAN else STEPS


def _factors(run: AsSet) -> tuple[float, ...]:
    """Returns what rates to try, after how the training as set went."""
    losses = run.data_losses
    end = float(np.median(losses[-max(3, len(losses) // 4) :]))
    if not run.diverged and end < WORKS * losses[0]:
        return (1.0,)
    if run.diverged or losses.max() > 1.5 * losses[0] or end > 1.2 * losses[0]:
        return (*LOWER, 1.0)
    return (1.0, *HIGHER, *LOWER)


def _highest_rate(settings: Settings) -> float:
    """Returns the highest rate of the plan, in size; at least of the first steps."""
    steps = range(
        0,
        settings.total_steps or STEPS,
        max(1, (settings.total_steps or STEPS) // STEPS),
    )
    return max(abs(settings.rate_at(step)) for step in steps)


def _sweep(
    stepper: Stepper,
    settings: Settings,
    batches: Sequence[Batch],
    weights: Weights,
    factors: Sequence[float],
    end: float,
) -> tuple[SweepPoint, ...]:
    penalty = penalty_of(stepper.model)
    losses = [stepper.training_loss(batch) for batch in batches]
    weights.give_back()
    start = float(np.mean(losses)) - penalty
    base = _highest_rate(settings)
    points: list[SweepPoint] = []
    for factor in factors:
        reached = _at_rate(stepper, settings, batches, base * factor, start, end)
        weights.give_back()
        if reached is None:
            break
        points.append(SweepPoint(base * factor, start, reached))
        if reached < WORKS * start:
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


def _overfit(
    stepper: Stepper, batch: Batch, weights: Weights, end: float
) -> Overfit | None:
    batch = _first_rows(batch, OVERFIT_ROWS)
    rows = len(keras.tree.flatten(batch[0])[0])
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


def _values(model: keras.Model) -> dict[str, np.ndarray]:
    return {
        v.path: np.array(keras.ops.convert_to_numpy(v))
        for v in model.trainable_variables
    }


def _change(before: np.ndarray, after: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        size = float(np.sqrt(np.mean(np.square(before))))
        moved = float(np.sqrt(np.mean(np.square(after - before))))
    return moved / size if size else (float("inf") if moved else 0.0)
