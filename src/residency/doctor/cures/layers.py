"""Layers set otherwise: dropout, batch normalisation, penalties, what is frozen."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from residency.doctor.cures.treatment import Case, Treatment, attributes
from residency.records import Finding

MILD_DROPOUT = 0.2
HIGH_DROPOUT = 0.5
"""Rates from here on are lowered."""
QUICK_MOMENTUM = 0.5
"""Of moving statistics that have to follow within few steps."""
FEW_STEPS = 60
"""Longest plan that a trial runs whole: a part of it would accuse any momentum."""


def mild_dropout(finding: Finding, case: Case) -> Treatment | None:
    """Lowers high rates of dropout."""
    layers = [x for x in layers_of(case.model) if _rate(x) >= HIGH_DROPOUT]
    if not layers:
        return None
    changes = [(layer, "rate", MILD_DROPOUT) for layer in layers]
    return Treatment(
        words=f"dropout of {MILD_DROPOUT}",
        on_model=lambda model: attributes(changes),
    )


def batch_norms_trained(finding: Finding, case: Case) -> Treatment | None:
    """Lets batch normalisation use the batch, and learn its statistics."""
    frozen = [x for x in batch_norms(case.model) if not x.trainable]
    if not frozen:
        return None
    return Treatment(
        words="batch normalisation trained",
        on_model=lambda model: trainable(frozen, True),
    )


def quick_statistics(finding: Finding, case: Case) -> Treatment | None:
    """Lets moving statistics follow within the few steps of the whole plan."""
    steps = finding.evidence.get("steps")
    if not isinstance(steps, int) or not 0 < steps <= FEW_STEPS:
        return None
    norms = [x for x in batch_norms(case.model) if x.momentum > QUICK_MOMENTUM]
    if not norms:
        return None
    changes = [(x, "momentum", QUICK_MOMENTUM) for x in norms]
    return Treatment(
        words=f"moving statistics of momentum {QUICK_MOMENTUM}",
        on_model=lambda model: attributes(changes),
        by_moving_statistics=True,
        steps=steps,
    )


def no_penalties(finding: Finding, case: Case) -> Treatment | None:
    """Leaves the penalties on weights out."""
    variables: list[Any] = list(case.model.trainable_variables)
    penalised = [v for v in variables if getattr(v, "regularizer", None) is not None]
    if not penalised:
        return None
    return Treatment(
        words="no penalty on weights",
        on_model=lambda model: attributes(
            [(v, "regularizer", None) for v in penalised]
        ),
    )


@contextmanager
def body_frozen(model: keras.Model) -> Iterator[None]:
    """Lets the last layer with weights train alone."""
    own = [x for x in layers_of(model) if x.trainable_variables and not x._layers]
    with trainable(own[:-1], False):
        yield


@contextmanager
def trainable(layers: Sequence[Any], value: bool) -> Iterator[None]:
    """Freezes or frees layers; gives back what each of their variables was."""
    owners = [*layers, *(v for layer in layers for v in layer.variables)]
    before = [(owner, owner.trainable) for owner in owners]
    try:
        for layer in layers:
            layer.trainable = value
        yield
    finally:
        for owner, was in before:  # variables last: a layer sets its own
            owner.trainable = was


def layers_of(model: Any) -> list[Any]:
    """Returns all layers, those of nested models too."""
    return [x for x in model._flatten_layers() if x is not model]


def batch_norms(model: keras.Model) -> list[Any]:
    """Returns the batch normalisations."""
    return [
        x for x in layers_of(model) if isinstance(x, keras.layers.BatchNormalization)
    ]


def _rate(layer: Any) -> float:
    if not isinstance(layer, keras.layers.Dropout):
        return 0.0
    return float(layer.rate or 0.0)


CURES = {
    "dropout_too_high": (mild_dropout,),
    "bn_frozen_mismatch": (batch_norms_trained,),
    "bn_stats_not_converged": (quick_statistics,),
    "regularisation_too_strong": (no_penalties,),
}
