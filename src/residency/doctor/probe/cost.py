"""How many rows of each batch the time allows, where a model is slow."""

import time
from collections.abc import Sequence

import keras

from residency.doctor.probe.forward import run_model
from residency.doctor.probe.source import Batch, first_rows, rows_of

LOOKED_LONG = 0.05
"""Of the budget: where the forward passes took less, a gradient is no matter."""
GRADIENT_SHARE = 0.12
"""Of the budget, for one gradient."""
GRADIENT_PASSES = 3
"""A gradient costs as much as so many forward passes."""
TIMED_ROWS = 16
"""As many as a gradient needs at least, to speak for more than its images."""


def affordable_rows(
    model: keras.Model, batch: Batch, looked: float, budget: float
) -> int | None:
    """Returns how many rows a batch may have for a gradient, at least `TIMED_ROWS`.

    `None`: as many as it has. A model built for one size of batch gets no other.

    Args:
        model: May be slow; runs once more if it seems so.
        batch: Of training.
        looked: Seconds that a first look at it took, all that is built at first in it.
        budget: In seconds.
    """
    if is_fixed(model) or looked < LOOKED_LONG * budget:
        return None
    few = first_rows(batch, TIMED_ROWS)
    begin = time.monotonic()
    run_model(model, few[0], training=False)
    row = GRADIENT_PASSES * max(1e-9, time.monotonic() - begin) / rows_of(few)
    rows = max(TIMED_ROWS, int(GRADIENT_SHARE * budget / row))
    return rows if rows < rows_of(batch) else None


def is_fixed(model: keras.Model) -> bool:
    """Tells whether a model was built for one size of batch."""
    inputs = getattr(model, "inputs", None) or ()
    return any(x.shape[:1] not in ((), (None,)) for x in inputs)


def cut(batches: Sequence[Batch], rows: int) -> Sequence[Batch]:
    """Returns batches of at most so many rows."""
    if not batches or rows >= rows_of(batches[0]):
        return batches
    return [first_rows(batch, rows) for batch in batches]
