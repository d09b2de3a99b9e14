"""RD205: labels come in another form than loss and output take."""

import textwrap
from collections.abc import Sequence
from typing import Any

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.head import (
    BINARY,
    CROSSENTROPIES,
    ONE_HOT,
    REGRESSION,
    SPARSE,
    Head,
    read_head,
)
from residency.doctor.checks.model.recompile import recompile
from residency.doctor.checks.model.targets import Targets, read_targets
from residency.doctor.probe import Probe, Settings
from residency.records import Finding


def find(probe: Probe) -> Sequence[Finding] | None:
    """Compares the form of the labels with the loss and the output."""
    loss, head = probe.settings.loss, read_head(probe)
    targets = read_targets(probe, head)
    if loss is None or head is None or targets is None or len(head.shape) > 1:
        return None
    if targets.kind == "text":
        return [
            _finding(
                "Labels are text; every loss takes numbers.",
                head,
                targets,
                loss.name,
                "Number the classes",
                "labels = keras.layers.StringLookup(num_oov_indices=0)"
                "  # adapt(labels), then call it",
            )
        ]
    form = _form(loss.name, head, targets, probe.settings)
    if form is None:
        return []
    title, cure, snippet = form
    if raised := probe.raised.get("gradients"):
        title += f" Keras says: {textwrap.shorten(raised, 120, placeholder=' ...')}"
    return [_finding(title, head, targets, loss.name, cure, snippet)]


def _form(
    loss: str, head: Head, targets: Targets, settings: Settings
) -> tuple[str, str, str] | None:
    """Returns title, cure and snippet; `None`: the form is right."""
    units = head.units
    whole = targets.kind in ("binary", "classes", "signs")
    if whole and units > 1 and loss in (*ONE_HOT, *BINARY, *REGRESSION):
        wants = f"{units} numbers for each sample"
        return (
            f"Labels are a column of class numbers; {loss} with {units} outputs wants "
            f"{wants}.",
            "Use sparse_categorical_crossentropy, or one-hot labels",
            recompile('"sparse_categorical_crossentropy"', settings),
        )
    if loss in SPARSE and targets.kind in ("one_hot", "soft", "multi_hot"):
        if targets.kind == "multi_hot" or targets.width < 2:
            return None
        return (
            f"Labels are rows of {targets.width} numbers, one-hot; {loss} wants the "
            "number of the class.",
            "Use categorical_crossentropy",
            recompile('"categorical_crossentropy"', settings),
        )
    pair = targets.kind == "one_hot" and units == 1 and targets.width == 2
    if pair and loss in (*CROSSENTROPIES, *REGRESSION):
        return (
            "Labels are one-hot rows of 2 numbers against one output.",
            "One column of 0 and 1 as labels, or two outputs with softmax",
            "labels = labels.argmax(axis=1)",
        )
    return None


def _finding(
    title: str, head: Head, targets: Targets, loss: str, cure: str, snippet: str
) -> Finding:
    evidence: dict[str, Any] = {
        "label_shape": str((targets.count, *targets.shape)),
        "output_shape": str(("n", *head.shape)),
        "loss": loss,
        "labels": targets.kind,
    }
    return Finding(
        code="RD205",
        label="label_encoding_mismatch",
        severity="error",
        title=title,
        evidence=evidence,
        why="The loss compares numbers that do not belong together, or Keras refuses "
        "to train.",
        cure=cure,
        snippet=snippet,
        effect="Training starts, with the loss near ln(classes).",
    )


CHECK = Check("labels have the form that loss and output take", find)
