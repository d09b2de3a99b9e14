"""One measure for both trainings: what the outputs say about rows held out."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from residency.doctor.cures.layers import batch_norms
from residency.doctor.cures.order import taken
from residency.doctor.cures.treatment import attributes
from residency.doctor.probe.sample import class_numbers
from residency.doctor.probe.source import Batch
from residency.doctor.probe.stepper import as_tensor, map_arrays

WORST = 3.0
"""Errors beyond so many times that of a guess count as this: a network that has
exploded is not worse than exploded."""
SURE = 1e-7
"""Least probability, as in Keras."""
STATISTICS_ROWS = 128


@dataclass(frozen=True, slots=True)
class Reading:
    """How good a model is at one moment."""

    error: float
    """As a multiple of the error of a guess, which knows the class frequencies or the
    mean: 1 has learned nothing. In `[0, WORST]`."""
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Measures classes by cross-entropy and accuracy, numbers by squared error."""

    of_classes: bool
    by_moving_statistics: bool = False

    @property
    def name(self) -> str:
        """What the error is."""
        return "cross-entropy" if self.of_classes else "squared error"

    def measure(self, model: keras.Model, held_out: Batch) -> Reading:
        """Returns the error in inference; statistics are as before afterwards."""
        if self.by_moving_statistics:
            outputs = outputs_of(model, held_out[0])
        else:
            with own_statistics(model, held_out):
                outputs = outputs_of(model, held_out[0])
        y = np.asarray(held_out[1])
        if self.of_classes:
            return _of_classes(outputs, class_numbers(y))
        return _of_numbers(outputs, y)


def yardstick_for(y: np.ndarray | None, outputs: np.ndarray) -> Yardstick | None:
    """Returns what measures such outputs; `None`: nothing here does.

    Args:
        y: Labels of the held-out rows.
        outputs: `(n, ...)`.
    """
    if y is None or outputs.ndim > 2 or y.dtype.kind not in "fiub":
        return None
    classes, width = class_numbers(y), outputs.size // max(1, len(outputs))
    if classes is not None and (width > 1 or len(np.unique(classes)) <= 2):
        return Yardstick(of_classes=True)
    return Yardstick(of_classes=False) if y.size == outputs.size else None


@contextmanager
def own_statistics(model: keras.Model, held_out: Batch) -> Iterator[None]:
    """Gives batch normalisations that train the statistics of the rows measured.

    After few steps the moving ones are still the first, whatever was learned.
    """
    norms = [x for x in batch_norms(model) if x.trainable]
    moving = [v for x in norms for v in (x.moving_mean, x.moving_variance)]
    before = [np.array(keras.ops.convert_to_numpy(v)) for v in moving]
    try:
        if norms:
            with attributes([(x, "momentum", 0.0) for x in norms]):
                rows = taken(held_out, slice(STATISTICS_ROWS))
                outputs_of(model, rows[0], training=True)
        yield
    finally:
        for variable, value in zip(moving, before, strict=True):
            variable.assign(value)


def probabilities(outputs: np.ndarray) -> np.ndarray:
    """Returns outputs as probabilities `(n, classes)`, whatever the loss took them for.

    Those in 0..1 are taken as such, divided by their sum; others as scores.

    >>> probabilities(np.array([[0.5], [0.25]]))
    array([[0.5 , 0.5 ],
           [0.75, 0.25]])
    """
    outputs = outputs.reshape(len(outputs), -1).astype("float64")
    bounded = bool(outputs.min() >= 0 and outputs.max() <= 1)
    if outputs.shape[1] == 1:
        share = outputs if bounded else 1 / (1 + np.exp(-np.clip(outputs, -50, 50)))
        return np.concatenate([1 - share, share], axis=1)
    if not bounded:
        outputs = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return outputs / np.maximum(outputs.sum(axis=1, keepdims=True), SURE)


def _of_classes(outputs: np.ndarray, classes: np.ndarray | None) -> Reading:
    if classes is None or not np.isfinite(outputs).all():
        return Reading(WORST, None)
    shares = probabilities(outputs)
    inside = (classes >= 0) & (classes < shares.shape[1])
    right = shares[np.arange(len(classes)), np.where(inside, classes, 0)]
    right = np.clip(np.where(inside, right, 0.0), SURE, 1.0)
    frequencies = np.unique(classes, return_counts=True)[1] / len(classes)
    guess = max(float(-(frequencies * np.log(frequencies)).sum()), 1e-3)
    accuracy = float(((shares.argmax(axis=1) == classes) & inside).mean())
    return Reading(min(float(-np.log(right).mean()) / guess, WORST), accuracy)


def _of_numbers(outputs: np.ndarray, y: np.ndarray) -> Reading:
    if not np.isfinite(outputs).all():
        return Reading(WORST, None)
    y = y.astype("float64").reshape(len(y), -1)
    off = outputs.astype("float64").reshape(y.shape) - y
    spread = max(float(y.var(axis=0).mean()), 1e-12)
    return Reading(min(float(np.square(off).mean()) / spread, WORST), None)


def outputs_of(model: keras.Model, x: Any, *, training: bool = False) -> np.ndarray:
    """Returns the first output as an array; keeps no gradients."""
    tensors, _, _ = map_arrays(as_tensor, (x, None, None))
    with _no_gradients():
        result = model(tensors, training=training)
    first = keras.tree.flatten(result)[0]
    return np.array(keras.ops.convert_to_numpy(first))


def _no_gradients() -> AbstractContextManager[None]:
    if keras.backend.backend() != "torch":
        return nullcontext()
    from residency.engine.gradients import without_gradients

    return without_gradients()
