"""Everything measured once, for all checks."""

import logging
import re
import textwrap
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import keras

from residency.doctor.plan import Plan, crossentropy, units_of
from residency.doctor.probe.cost import affordable_rows, cut
from residency.doctor.probe.forward import Forward, run_forward, run_model
from residency.doctor.probe.gradients import Gradients, measure_gradients
from residency.doctor.probe.graph import Graph, read_graph
from residency.doctor.probe.keep import Weights, unchanged
from residency.doctor.probe.sample import Sample, read_sample
from residency.doctor.probe.settings import Settings, read_settings
from residency.doctor.probe.stepper import Stepper
from residency.doctor.probe.trials import Trials, run_trials
from residency.doctor.probe.witness import Witness, ask_witness
from residency.errors import DataError

T = TypeVar("T")
logger = logging.getLogger(__name__)

READ_BYTES = 256 * 2**20
"""Most of each part that is kept."""
ARRAY_BATCH = 32
"""What `fit` takes for arrays when nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What was measured. A part that could not be measured is `None`."""

    graph: Graph
    settings: Settings
    train: Sample
    validation: Sample | None
    forward: Forward | None
    gradients: Gradients | None
    trials: Trials | None
    witness: Witness | None = None
    """The first trained batch normalisation; `None`: there is none."""
    raised: Mapping[str, str] = field(default_factory=dict)
    """What the user's model raised, by what was tried: `"forward"`, `"inputs"` (a batch
    as it came, where the former raised), `"cost"`, `"witness"`, `"gradients"`,
    `"trials"`."""


def take_probe(
    model: keras.Model,
    train: Any,
    validation: Any = None,
    *,
    epochs: int | None = None,
    callbacks: Sequence[Any] = (),
    plan: Plan | None = None,
    budget_seconds: float = 60,
    trials: bool = True,
) -> Probe:
    """Measures a model and its data; both are as before afterwards.

    Args:
        model: Any built Keras model, compiled or not.
        train: What `fit` takes.
        validation: The same, or `None`.
        epochs: Planned, if known.
        callbacks: Planned.
        plan: Stands in for the settings of a model that is not compiled.
        budget_seconds: Roughly the time taken; slow models get fewer steps.
        trials: Also trains for some steps, which takes most of the time.

    Raises:
        DataError: Data of a kind that `fit` would not take, without samples, or
            without the labels that the loss takes.
    """
    clock = _Clock(budget_seconds)
    with unchanged(model) as before:
        sample = _read(train, clock.until(0.2))
        held_out = None if validation is None else _read(validation, clock.until(0.3))
        settings = read_settings(
            model,
            epochs=epochs,
            steps_per_epoch=sample.steps,
            callbacks=callbacks,
            plan=plan,
        )
        if settings.loss is not None and _needs_labels(model) and _unlabelled(sample):
            raise DataError(
                f"diagnose: the data have no labels, and {settings.loss.name} compares "
                "outputs with labels. Pass (x, y)."
            )
        graph = read_graph(model)
        attempt = _Attempts(before)
        first, begin = sample.batches[0], time.monotonic()
        forward = attempt("forward", lambda: run_forward(model, graph, first[0]))
        if forward is None:
            attempt("inputs", lambda: _take(model, first[0]))
        batches, unseen = sample.batches, held_out.batches if held_out else ()
        witness = gradients = tried = stepper = None
        if forward is not None:
            looked = time.monotonic() - begin
            rows = attempt(
                "cost", lambda: affordable_rows(model, first, looked, budget_seconds)
            )
            if rows is not None:
                batches, unseen = cut(batches, rows), cut(unseen, rows)
            witness = attempt("witness", lambda: ask_witness(model, graph, first[0]))
            stepper = attempt("gradients", lambda: _stepper(model, sample))
        if stepper is not None:
            steps = stepper
            gradients = attempt(
                "gradients", lambda: measure_gradients(steps, batches[0])
            )
            if gradients is not None and trials:
                tried = attempt(
                    "trials",
                    lambda: run_trials(
                        steps, graph, settings, batches, before, clock.until(1), unseen
                    ),
                )
        return Probe(
            graph=graph,
            settings=settings,
            train=sample,
            validation=held_out,
            forward=forward,
            gradients=gradients,
            trials=tried,
            witness=witness,
            raised=attempt.raised,
        )


def _read(data: Any, seconds: float) -> Sample:
    sample = read_sample(
        data, seconds=seconds, max_bytes=READ_BYTES, batch_size=ARRAY_BATCH
    )
    if not sample.batches:
        raise DataError("diagnose: the data gave no batch. Pass some of training.")
    return sample


def _take(model: keras.Model, x: Any) -> None:
    """Runs a batch as it came; what Keras only warns of, it takes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_model(model, x, training=False)


def _needs_labels(model: keras.Model) -> bool:
    """Returns whether a model computes its loss as Keras does."""
    own, plain = type(model), keras.Model
    return own.train_step is plain.train_step and own.compute_loss is plain.compute_loss


def _unlabelled(sample: Sample) -> bool:
    return all(y is None for _, y, _ in sample.batches)


def _stepper(model: keras.Model, sample: Sample) -> Stepper | None:
    """Returns what takes steps; `None`: not compiled, and no loss is plain."""
    if model.compiled:
        return Stepper(model)
    loss = assumed_loss(model, sample)
    return None if loss is None else Stepper(model, loss)


class _Clock:
    """How much of the budget is left."""

    def __init__(self, budget_seconds: float) -> None:
        self.start, self.budget = time.monotonic(), budget_seconds

    def until(self, share: float) -> float:
        """Returns the seconds until so much of it is gone, one at least."""
        return max(1.0, self.start + share * self.budget - time.monotonic())


class _Attempts:
    """Measurements that the user's own model may break; each gives the weights back."""

    def __init__(self, before: Weights) -> None:
        self.weights = before
        self.raised: dict[str, str] = {}

    def __call__(self, what: str, measure: Callable[[], T]) -> T | None:
        try:
            return measure()
        except Exception as error:  # the user's own model may raise anything
            self.raised[what] = f"{type(error).__name__}: {said(error)}"
            logger.debug("%s", what, exc_info=True)
            return None
        finally:
            self.weights.give_back()


def said(error: Exception) -> str:
    """Returns the line of an error that says what is wrong.

    Keras heads what a layer raises with the layer's name, prints it bold, and may
    print a whole tensor with it.
    """
    text = re.sub(r"\x1b\[\d*m", "", str(error))
    text = re.sub(r"tensor\(\[.*?\][^\]]*?\)", "tensor(...)", text, flags=re.DOTALL)
    lines = text.splitlines() or [""]
    if lines[0].startswith("Exception encountered when calling"):
        lines = [line for line in lines[1:] if line.strip()] or lines
    return textwrap.shorten(lines[0], 300, placeholder=" ...")


def assumed_loss(model: keras.Model, sample: Sample) -> Any:
    """Returns cross-entropy for a model that is not compiled; `None`: no classes."""
    y = sample.y
    if y is None or sample.classes is None:
        return None
    if y.ndim == 2 and y.shape[1] > 1:
        return keras.losses.CategoricalCrossentropy()
    return crossentropy(units_of(model))
