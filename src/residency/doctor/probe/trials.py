"""Short trainings from the model's weights, all taken back afterwards."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from residency.doctor.probe.forward import Signal, inference_outputs
from residency.doctor.probe.graph import Graph
from residency.doctor.probe.keep import Weights
from residency.doctor.probe.settings import Settings
from residency.doctor.probe.source import Batch
from residency.doctor.probe.stepper import Stepper

STEPS = 40
"""Most steps of the plan that are run."""
SWEEP_FACTORS = (1.0, 0.1, 10.0, 0.01, 100.0, 0.001, 1000.0)
"""Of the user's rate, in the order in which they are tried."""
SWEEP_STEPS = 12
OVERFIT_STEPS = 80
OVERFIT_ROWS = 32
OVERFIT_RATE = 1e-3  # of Adam


@dataclass(frozen=True, slots=True)
class AsSet:
    """The first steps of the training just as it is set."""

    losses: tuple[float, ...]
    """Before each step, in training mode, penalties included."""
    rates: tuple[float, ...]
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


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """Some steps at one fixed rate."""

    rate: float
    start: float
    """Mean loss of the batches at the first weights."""
    end: float
    """Mean loss over the last pass; `inf` where it is not finite."""


@dataclass(frozen=True, slots=True)
class Overfit:
    """Steps on a single small batch: can the model learn anything at all?"""

    losses: tuple[float, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Trials:
    """What short trainings showed; `None`: no time was left for it."""

    as_set: AsSet | None
    overfit: Overfit | None
    sweep: tuple[SweepPoint, ...]
    """By rate; empty: no time was left."""


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
        seconds: For all together; each takes a share.
    """
    model = stepper.model
    weights = Weights(model)
    overfit = _overfit(stepper, batches[0], time.monotonic() + 0.25 * seconds)
    weights.give_back()
    if settings.optimizer is None or not settings.first_rate:
        return Trials(None, overfit, ())
    as_set = _as_set(
        stepper, graph, settings, batches, time.monotonic() + 0.35 * seconds
    )
    weights.give_back()
    sweep = []
    end = time.monotonic() + 0.4 * seconds
    base = max((settings.first_rate, *settings.epoch_rates))
    chosen = batches[:4]
    for factor in SWEEP_FACTORS:
        if time.monotonic() > end:
            break
        point = _at_rate(stepper, settings, chosen, base * factor, end)
        weights.give_back()
        if point is not None:
            sweep.append(point)
    return Trials(as_set, overfit, tuple(sorted(sweep, key=lambda p: p.rate)))


def fresh_optimizer(optimizer: Any, rate: float) -> Any:
    """Returns an optimizer of the same settings with a state and a rate of its own."""
    config = dict(optimizer.get_config())
    config["learning_rate"] = rate
    for name in ("loss_scale_factor", "gradient_accumulation_steps"):
        if name in config:
            config[name] = None
    return type(optimizer).from_config(config)


def _as_set(
    stepper: Stepper,
    graph: Graph,
    settings: Settings,
    batches: Sequence[Batch],
    end: float,
) -> AsSet:
    model = stepper.model
    before = {
        v.path: np.array(keras.ops.convert_to_numpy(v))
        for v in model.trainable_variables
    }
    optimizer = fresh_optimizer(settings.optimizer, settings.first_rate or 0.0)
    rate_at = _rates(settings)
    losses: list[float] = []
    rates: list[float] = []
    for step in range(min(STEPS, settings.total_steps or STEPS)):
        if time.monotonic() > end and step >= 3:
            break
        rates.append(rate_at(step))
        optimizer.learning_rate = rates[-1]
        losses.append(stepper.step(optimizer, batches[step % len(batches)]))
        if not np.isfinite(losses[-1]):
            break
    moved = {
        v.path: _change(before[v.path], np.array(keras.ops.convert_to_numpy(v)))
        for v in model.trainable_variables
    }
    inference_loss = stepper.evaluate(batches[0])
    outputs = inference_outputs(model, graph, batches[0][0])
    training_loss, _ = stepper.gradients(batches[0])
    return AsSet(
        tuple(losses), tuple(rates), moved, outputs, inference_loss, training_loss
    )


def _rates(settings: Settings) -> Callable[[int], float]:
    schedule = getattr(settings.optimizer, "_learning_rate", None)
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        return lambda step: float(schedule(step))
    per_epoch, rates = settings.steps_per_epoch, settings.epoch_rates
    if not per_epoch or not rates:
        return lambda step: settings.first_rate or 0.0
    return lambda step: rates[min(step // per_epoch, len(rates) - 1)]


def _at_rate(
    stepper: Stepper,
    settings: Settings,
    batches: Sequence[Batch],
    rate: float,
    end: float,
) -> SweepPoint | None:
    optimizer = fresh_optimizer(settings.optimizer, rate)
    losses: list[float] = []
    for step in range(SWEEP_STEPS):
        losses.append(stepper.step(optimizer, batches[step % len(batches)]))
        if not np.isfinite(losses[-1]):
            return SweepPoint(rate, losses[0], float("inf"))
        if time.monotonic() > end and step < len(batches):
            return None
        if time.monotonic() > end:
            break
    count = min(len(batches), max(1, len(losses) // 2))
    start = float(np.mean(losses[:1]))
    return SweepPoint(rate, start, float(np.mean(losses[-count:])))


def _overfit(stepper: Stepper, batch: Batch, end: float) -> Overfit:
    batch = tuple(
        None
        if part is None
        else keras.tree.map_structure(lambda a: a[:OVERFIT_ROWS], part)
        for part in batch
    )  # pyright: ignore[reportAssignmentType]
    optimizer = keras.optimizers.Adam(OVERFIT_RATE)
    losses: list[float] = []
    for step in range(OVERFIT_STEPS):
        if time.monotonic() > end and step >= 3:
            break
        losses.append(stepper.step(optimizer, batch))
        if not np.isfinite(losses[-1]):
            break
    first = keras.tree.flatten(batch[0])[0]
    return Overfit(tuple(losses), len(first))


def _change(before: np.ndarray, after: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        size = float(np.sqrt(np.mean(np.square(before))))
        moved = float(np.sqrt(np.mean(np.square(after - before))))
    return moved / size if size else (float("inf") if moved else 0.0)
