"""All that the trials of one model share, measured once within the budget."""

import itertools
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras

from residency.doctor.cures import Case, Treatment
from residency.doctor.cures.order import rows_of
from residency.doctor.plan import Plan as Recipe
from residency.doctor.probe.graph import read_graph
from residency.doctor.probe.keep import Weights
from residency.doctor.probe.probe import ARRAY_BATCH, READ_BYTES, assumed_loss
from residency.doctor.probe.sample import read_sample
from residency.doctor.probe.settings import read_settings
from residency.doctor.probe.stepper import Stepper
from residency.doctor.trying.arm import (
    POINTS,
    Curve,
    OutOfTimeError,
    Plan,
    run_arm,
)
from residency.doctor.trying.pool import Pool, split, thinned
from residency.doctor.trying.yardstick import Yardstick, outputs_of, yardstick_for

logger = logging.getLogger(__name__)

MOST_STEPS, FEWEST_STEPS = 60, 12
REPEATS = ((5, MOST_STEPS), (3, FEWEST_STEPS), (2, FEWEST_STEPS))
"""Trainings of each kind, each from other batches on, and the least steps for which
there must be time; the first that fits is taken."""
FEWER_ROWS = (32, 16, 8)
"""Batches are cut down to so many rows where time is short."""
READING = 0.2
"""Share of the budget for reading data."""


@dataclass(slots=True)
class Session:
    """Runs trainings, the untreated ones once."""

    case: Case
    loss: Any
    """`None`: the compiled one."""
    plan: Plan
    _known: dict[tuple[str, bool, int | None], tuple[Curve, ...] | str] = field(
        default_factory=dict
    )

    def curves(self, how: Treatment) -> tuple[Curve, ...] | str:
        """Returns a curve for each repeat, or what the model raised, in words.

        Raises:
            OutOfTimeError: No time is left.
        """
        key = (how.words, how.by_moving_statistics, how.steps)
        if key not in self._known:
            self._known[key] = self._run(how)
        return self._known[key]

    def _run(self, how: Treatment) -> tuple[Curve, ...] | str:
        try:
            return run_arm(self.case.model, self.loss, self.plan, how)
        except OutOfTimeError:
            raise
        except Exception as error:  # the user's own model and data may raise anything
            logger.debug("%s", how.words, exc_info=True)
            return f"{type(error).__name__}: {error}".split("\n")[0][:200]


def open_session(
    model: keras.Model,
    train: Any,
    *,
    cures: int,
    end: float,
    epochs: int | None,
    callbacks: Sequence[Any],
    recipe: Recipe | None,
) -> Session | str:
    """Reads data and measures what a step costs.

    Args:
        model: Changed meanwhile: the caller puts it back.
        train: What `fit` takes.
        cures: How many are to be tried.
        end: Of the budget, as `time.monotonic` counts.
        epochs: Planned, if known.
        callbacks: Planned.
        recipe: Stands in for the settings of a model that is not compiled.

    Returns:
        The session, or why nothing can be tried, as a sentence.
    """
    seconds = READING * (end - time.monotonic())
    sample = read_sample(
        train, seconds=seconds, max_bytes=READ_BYTES, batch_size=ARRAY_BATCH
    )
    settings = read_settings(
        model,
        epochs=epochs,
        steps_per_epoch=sample.steps,
        callbacks=callbacks,
        plan=recipe,
    )
    loss = None if model.compiled else assumed_loss(sample)
    if settings.optimizer is None or (loss is None and not model.compiled):
        return "The model is not compiled: compile it, or name a recipe."
    pool = split(sample.batches)
    if pool is None:
        return "Too few samples were given to measure with."
    try:
        outputs = outputs_of(model, pool.held_out[0])
    except Exception as error:  # the user's own model may raise anything
        return f"The model raises {type(error).__name__} on these inputs."
    yardstick = yardstick_for(pool.held_out[1], outputs)
    if yardstick is None:
        return "Labels are neither classes nor numbers to compare outputs with."
    plan = _plan(
        model,
        loss,
        Plan(pool, settings, yardstick, MOST_STEPS, REPEATS[1][0], end),
        cures,
    )
    return Session(Case(model, read_graph(model), settings, sample), loss, plan)


def _plan(model: keras.Model, loss: Any, plan: Plan, cures: int) -> Plan:
    """Returns the plan with as many steps and rows as there is time for."""
    cost = _costs(model, loss, plan.pool, plan.yardstick)
    if cost is None:
        return plan
    step, measure = cost
    rows = rows_of(plan.pool.batches[0])
    left = plan.end - time.monotonic()
    sizes = (rows, *(n for n in FEWER_ROWS if n < rows))
    choices = itertools.product(range(cures, 0, -1), sizes, REPEATS)
    for count, size, (repeats, fewest) in choices:
        trainings = repeats * (2 if count == 1 else 2 * count + 2)
        each = 0.8 * left / trainings - (POINTS + 1) * measure
        steps = int(each / (step * size / rows))
        if steps >= fewest:
            cut = replace(plan.pool, batches=thinned(plan.pool.batches, size))
            steps = min(steps, MOST_STEPS)
            return replace(plan, pool=cut, steps=steps, repeats=repeats)
    return replace(plan, steps=FEWEST_STEPS, repeats=REPEATS[-1][0])


def _costs(
    model: keras.Model, loss: Any, pool: Pool, yardstick: Yardstick
) -> tuple[float, float] | None:
    """Returns seconds of a step and of a measurement; `None`: a step raises."""
    weights = Weights(model)
    try:
        stepper = Stepper(model, loss)
        stepper.gradients(pool.batches[0])
        begin = time.monotonic()
        stepper.gradients(pool.batches[0])
        step = time.monotonic() - begin
        yardstick.measure(model, pool.held_out)
        return max(step, 1e-4), time.monotonic() - begin - step
    except Exception:  # it may be what a cure cures
        return None
    finally:
        weights.give_back()
