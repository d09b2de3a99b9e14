"""The same steps once more with one thing changed: what it costs as it is set."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from residency.doctor.probe.as_set import AsSet
from residency.doctor.probe.gradients import penalty_of
from residency.doctor.probe.keep import Weights
from residency.doctor.probe.settings import Settings
from residency.doctor.probe.source import Batch
from residency.doctor.probe.stepper import Stepper, fresh_optimizer

GENTLER = 0.1
LEAST = 20
"""Steps below which a training shows nothing either way."""


@dataclass(frozen=True, slots=True)
class Reruns:
    """Losses without penalties, step by step; empty: not run.

    They are run where a training learns little as it is set and its loss stays a
    number, for as many steps.
    """

    gentler: tuple[float, ...] = ()
    """At a tenth of each rate."""
    unpenalised: tuple[float, ...] = ()
    """Without what layers and regularizers add to the loss."""


def rerun(
    stepper: Stepper,
    settings: Settings,
    batches: Sequence[Batch],
    run: AsSet | None,
    weights: Weights,
    end: float,
) -> Reruns:
    """Runs what is worth it; the weights are those of before at the end.

    Args:
        stepper: Of the model.
        settings: Of the same.
        batches: Of training, as for `run`.
        run: The training as it is set.
        weights: Of the model, to start from.
        end: By the monotonic clock, after which no step is begun.
    """
    if run is None or run.diverged or len(run.losses) < LEAST:
        return Reruns()
    if not run.learned_little:
        return Reruns()
    unpenalised: tuple[float, ...] = ()
    if _is_penalised(stepper.model):
        plain = stepper.without_penalties()
        unpenalised = _steps(plain, settings, batches, run.rates, end)
        weights.give_back()
    rates = [GENTLER * rate for rate in run.rates]
    gentler = _steps(stepper, settings, batches, rates, end)
    weights.give_back()
    return Reruns(gentler, unpenalised)


def _is_penalised(model: keras.Model) -> bool:
    regularizers = [v.regularizer for v in model.trainable_variables]
    regularizers += [x.activity_regularizer for x in model._flatten_layers()]
    return any(each is not None for each in regularizers)


def _steps(
    stepper: Stepper,
    settings: Settings,
    batches: Sequence[Batch],
    rates: Sequence[float],
    end: float,
) -> tuple[float, ...]:
    optimizer = fresh_optimizer(settings.optimizer, rates[0])
    losses: list[float] = []
    for step, rate in enumerate(rates):
        if time.monotonic() > end:
            break
        optimizer.learning_rate = rate
        penalty = penalty_of(stepper.model) if stepper.penalised else 0.0
        losses.append(stepper.step(optimizer, batches[step % len(batches)]) - penalty)
        if not np.isfinite(losses[-1]):
            break
    return tuple(losses)
