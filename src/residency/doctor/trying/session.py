"""All that the trials of one model share, measured once within the budget."""

import itertools
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras

from residency.doctor.cures import Case, Treatment
from residency.doctor.cures.order import rows_of, taken
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
from residency.doctor.trying.yardstick import outputs_of, yardstick_for

logger = logging.getLogger(__name__)

MOST_STEPS, FEWEST_STEPS = 60, 12
REPEATS = ((5, MOST_STEPS), (3, FEWEST_STEPS), (2, FEWEST_STEPS))
"""Trainings of each kind, each from other batches on, and the least steps for which
there must be time; the first that fits is taken."""
FEWER_ROWS = (32, 16, 8)
"""Batches are cut down to so many rows where time is short."""
FEWER_HELD_OUT = (100, 40)
"""The same for the rows that are measured."""
TIMED_ROWS = 32
"""Rows on which is measured what a step costs."""
SHARE = 0.7
"""Of the time left that is planned with: optimizers and labels cost time too."""
NO_TIME = "No time was left for it: give a larger budget."
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
    loss = None if model.compiled else assumed_loss(model, sample)
    if settings.optimizer is None or (loss is None and not model.compiled):
        return "The model is not compiled: compile it, or name a recipe."
    pool = split(sample.batches)
    if pool is None:
        return "Too few samples were given to measure with."
    few = taken(pool.held_out, slice(TIMED_ROWS))
    try:
        outputs = outputs_of(model, few[0])
    except Exception as error:  # the user's own model may raise anything
        return f"The model raises {type(error).__name__} on these inputs."
    yardstick = yardstick_for(few[1], outputs)
    if yardstick is None:
        return "Labels are neither classes nor numbers to compare outputs with."
    plan = Plan(pool, settings, yardstick, MOST_STEPS, REPEATS[1][0], end)
    cost = _seconds_a_row(model, loss, pool)
    if cost is None:  # what cures that only has to run
        pool = thinned(pool, FEWER_ROWS[0], FEWER_HELD_OUT[-1])
        plan = replace(plan, pool=pool, steps=FEWEST_STEPS, repeats=REPEATS[-1][0])
    else:
        plan = _affordable(plan, cost, cures)
    if plan is None:
        return NO_TIME
    return Session(Case(model, read_graph(model), settings, sample), loss, plan)


def _affordable(plan: Plan, cost: float, cures: int) -> Plan | None:
    """Returns the plan with as much of everything as there is time for.

    Args:
        plan: With all rows.
        cost: Seconds of a step for each of its rows; a measurement costs as much.
        cures: How many there are; the last may find no time left.

    Returns:
        `None` where there is no time for a single cure.
    """
    rows, held_out = rows_of(plan.pool.batches[0]), rows_of(plan.pool.held_out)
    left = plan.end - time.monotonic()
    choices = itertools.product(
        range(cures, 0, -1),
        (rows, *(n for n in FEWER_ROWS if n < rows)),
        (held_out, *(n for n in FEWER_HELD_OUT if n < held_out)),
        REPEATS,
    )
    for count, size, measured, (repeats, fewest) in choices:
        trainings = repeats * (2 if count == 1 else 2 * count + 2)
        rows_each = SHARE * left / trainings / cost - (POINTS + 1) * measured
        steps = int(rows_each / size)
        if steps >= fewest:
            pool = thinned(plan.pool, size, measured)
            steps = min(steps, MOST_STEPS)
            return replace(plan, pool=pool, steps=steps, repeats=repeats)
    return None


def _seconds_a_row(model: keras.Model, loss: Any, pool: Pool) -> float | None:
    """Returns the seconds of a step for each row; `None`: a step raises."""
    weights = Weights(model)
    batch = taken(pool.batches[0], slice(TIMED_ROWS))
    try:
        stepper = Stepper(model, loss)
        stepper.gradients(batch)
        begin = time.monotonic()
        stepper.gradients(batch)
        return max(time.monotonic() - begin, 1e-4) / rows_of(batch)
    except Exception:  # it may be what a cure cures
        return None
    finally:
        weights.give_back()
