"""The loss and what stands before it: scores or probabilities, classes or numbers."""

from typing import Any

import keras

from residency.doctor.cures.treatment import Case, Treatment, attributes
from residency.records import Finding

ACTIVATIONS = ("softmax", "sigmoid")
"""Last activations that give probabilities."""


def crossentropy(case: Case, *, from_logits: bool | None = None) -> Any:
    """Returns the cross-entropy for the labels and outputs; `None`: there is none.

    Args:
        case: Labels, output and settings.
        from_logits: `None`: what fits the last activation.
    """
    y, classes = case.train.y, case.train.classes
    units = case.graph.output.shape[-1]
    if y is None or classes is None:
        return None
    if from_logits is None:
        from_logits = last_activation(case) not in ACTIVATIONS
    old = case.settings.loss
    smoothing = old.label_smoothing if old is not None else 0.0
    if units == 1:
        return keras.losses.BinaryCrossentropy(from_logits, smoothing)
    if y.ndim == 2 and y.shape[1] > 1:
        return keras.losses.CategoricalCrossentropy(from_logits, smoothing)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)


def last_activation(case: Case) -> str | None:
    """Returns the name of what the model applies last; `None`: not known."""
    return case.graph.output.activation


def probabilities(finding: Finding, case: Case) -> Treatment | None:
    """Takes the outputs as probabilities."""
    return _logits(case, False)


def scores(finding: Finding, case: Case) -> Treatment | None:
    """Takes the outputs as scores."""
    return _logits(case, True)


def _logits(case: Case, from_logits: bool) -> Treatment | None:
    loss = case.settings.loss
    multi_label = loss is not None and loss.name == "binary_crossentropy"
    if multi_label:
        new: Any = keras.losses.BinaryCrossentropy(from_logits)
    else:
        new = crossentropy(case, from_logits=from_logits)
    if new is None:
        return None
    return Treatment(words=f"loss {new.name} with from_logits={from_logits}", loss=new)


def for_the_task(finding: Finding, case: Case) -> Treatment | None:
    """Takes cross-entropy for classes."""
    loss = crossentropy(case)
    return None if loss is None else Treatment(words=f"loss {loss.name}", loss=loss)


def fitting_activation(finding: Finding, case: Case) -> Treatment | None:
    """Replaces the last activation by the one for the labels and the loss."""
    layer = case.graph.output.layer
    if not hasattr(layer, "activation"):
        return None
    name = _fitting(case)
    new = keras.activations.get(name)
    return Treatment(
        words=f"the last activation {name}",
        on_model=lambda model: attributes([(layer, "activation", new)]),
    )


def _fitting(case: Case) -> str:
    loss = case.settings.loss
    if case.train.classes is None or (loss is not None and loss.from_logits):
        return "linear"
    if loss is not None and not loss.is_crossentropy:
        return "linear" if case.graph.output.shape[-1] == 1 else "softmax"
    return "sigmoid" if case.graph.output.shape[-1] == 1 else "softmax"


CURES = {
    "double_softmax": (probabilities,),
    "logits_as_probabilities": (scores,),
    "loss_task_mismatch": (for_the_task,),
    "last_activation_wrong": (fitting_activation,),
}
