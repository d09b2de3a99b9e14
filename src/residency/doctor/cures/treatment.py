"""What a cure changes for the duration of a trial."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from residency.doctor.probe.graph import Graph
from residency.doctor.probe.sample import Sample
from residency.doctor.probe.settings import Settings
from residency.doctor.probe.source import Batch
from residency.records import Finding

Arrange = Callable[[Sequence[Batch], np.random.Generator], Sequence[Batch]]
"""Returns the batches of a pass, made of those of another."""


@dataclass(frozen=True, slots=True)
class Case:
    """What a cure is made for; nothing of it is changed."""

    model: keras.Model
    graph: Graph
    settings: Settings
    train: Sample


def as_given(batch: Batch) -> Batch:
    """Returns the batch itself."""
    return batch


def as_built(model: keras.Model) -> AbstractContextManager[None]:
    """Changes nothing of the model."""
    return nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """One change to a training: to its batches, its settings or its layers."""

    words: str
    """What is done, as `"a rate of 0.01"`."""
    read: Callable[[Batch], Batch] = as_given
    """Applied to each batch, held-out ones too."""
    arrange: Arrange | None = None
    """Applied to the training batches of a pass."""
    rate: float | None = None
    """Instead of the planned rates."""
    loss: Any = None
    """A Keras loss instead of the compiled one."""
    on_model: Callable[[keras.Model], AbstractContextManager[None]] = as_built
    """Entered for the duration; gives back what is no variable."""
    by_moving_statistics: bool = False
    """Measure with the moving statistics of batch normalisation, which in so short a
    trial are otherwise replaced by those of the held-out batch."""
    steps: int | None = None
    """Takes just so many steps, where their number is the fault."""
    faster_only: bool = False
    """A cure that any training would gain from in a few steps: it counts only where
    the untreated training hardly learns."""


Cure = Callable[[Finding, Case], Treatment | None]
"""Makes a treatment of a finding; `None`: it does not apply."""
NONE = Treatment(words="as it is")
"""No change."""


def together(first: Treatment, second: Treatment) -> Treatment:
    """Returns both, `second` after `first` and winning where only one can be."""

    def arrange(batches: Sequence[Batch], rng: np.random.Generator) -> Sequence[Batch]:
        for each in (first.arrange, second.arrange):
            batches = batches if each is None else each(batches, rng)
        return batches

    @contextmanager
    def on_model(model: keras.Model) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(first.on_model(model))
            stack.enter_context(second.on_model(model))
            yield

    return Treatment(
        words=second.words if first is NONE else f"{first.words} and {second.words}",
        read=lambda batch: second.read(first.read(batch)),
        arrange=arrange if first.arrange or second.arrange else None,
        rate=first.rate if second.rate is None else second.rate,
        loss=first.loss if second.loss is None else second.loss,
        on_model=on_model,
        by_moving_statistics=first.by_moving_statistics or second.by_moving_statistics,
        steps=first.steps if second.steps is None else second.steps,
        faster_only=second.faster_only,
    )


@contextmanager
def attributes(changes: Sequence[tuple[Any, str, Any]]) -> Iterator[None]:
    """Sets attributes of layers or variables, and sets them back."""
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
    try:
        for owner, name, value in changes:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in reversed(before):
            setattr(owner, name, value)
