"""RD206: the output has another width than there are classes or targets."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.head import (
    CROSSENTROPIES,
    ONE_HOT,
    REGRESSION,
    SPARSE,
    Head,
    read_head,
)
from residency.doctor.checks.model.targets import Targets, read_targets
from residency.doctor.probe import Probe, Sample
from residency.records import Finding

SEEN_EACH = 10
"""Samples for each output from which a class that never comes is no accident."""


def find(probe: Probe) -> Sequence[Finding] | None:
    """Compares the units of the output with the classes in the data."""
    loss, head = probe.settings.loss, read_head(probe)
    targets = read_targets(probe, head)
    if head is None or targets is None or len(head.shape) > 1:
        return None
    name = "" if loss is None else loss.name
    found = (
        _rows(head, targets)
        or _one_unit(head, targets, name)
        or _numbers(head, targets, name, _all_seen(probe.train, targets, head))
    )
    return [] if found is None else [found]


def _rows(head: Head, targets: Targets) -> Finding | None:
    """Targets of several numbers, or real ones."""
    wide = targets.kind in ("one_hot", "soft", "multi_hot") or (
        targets.kind == "real" and len(targets.shape) <= 1
    )
    if not wide or targets.width == head.units:
        return None
    if targets.kind == "one_hot" and targets.width == 2 and head.units == 1:
        return None  # a matter of form: label_encoding_mismatch
    return _finding(
        "error",
        f"The output has {head.units} units, the labels {targets.width} columns.",
        head,
        {"label_columns": targets.width},
        "The loss compares output and label number by number.",
        targets.width,
    )


def _one_unit(head: Head, targets: Targets, loss: str) -> Finding | None:
    """One unit for three classes or more."""
    classes = len(targets.numbers)
    if head.units != 1 or targets.kind != "classes" or classes < 3:
        return None
    if loss in REGRESSION and head.activation not in ("sigmoid", "softmax"):
        return None  # whole numbers may be amounts
    if loss not in (*CROSSENTROPIES, *REGRESSION):
        return None
    return _finding(
        "error",
        f"One output for {classes} classes.",
        head,
        {"classes": classes},
        "One probability can tell two classes apart, not more.",
        max(targets.numbers) + 1,
    )


def _numbers(head: Head, targets: Targets, loss: str, all_seen: bool) -> Finding | None:
    """Class numbers against the units."""
    if targets.kind not in ("classes", "binary", "one_hot") or not targets.numbers:
        return None
    least, most = targets.numbers[0], targets.numbers[-1]
    classes = len(targets.numbers)
    one_hot = targets.kind == "one_hot"
    each_class = (*SPARSE, *ONE_HOT, "")  # losses with an output for each class
    each_class += ("binary_crossentropy",) if head.units > 2 else ()
    if head.units == 1 or not (one_hot or loss in each_class):
        return None
    evidence = {"classes": classes, "highest_label": most, "lowest_label": least}
    if not one_hot and most >= head.units:
        if classes <= head.units:
            return None  # enough units, were classes numbered from 0: label_range
        return _finding(
            "error",
            f"{head.units} outputs, and labels up to {most}: {most + 1} are needed.",
            head,
            evidence,
            "A label without an output stops training, or is read from elsewhere.",
            most + 1,
        )
    if not all_seen or least < 0:
        return None
    unused = head.units - (classes if one_hot else most + 1)
    if unused == 0:
        return _first_unused(head, evidence) if least > 0 and not one_hot else None
    large = unused >= 2 and (head.units >= 2 * classes or not one_hot)
    return _finding(
        "warning" if large else "advice",
        f"The output has {head.units} units, the data {classes} classes: {unused} "
        "outputs have no class.",
        head,
        evidence | {"outputs_without_class": unused},
        "The unused outputs take weights and start with their share of the "
        "probability; predictions can name classes that do not exist.",
        most + 1,
    )


def _first_unused(head: Head, evidence: dict[str, Any]) -> Finding:
    return _finding(
        "advice",
        f"Labels start at {evidence['lowest_label']}: the first of {head.units} "
        "outputs has no class.",
        head,
        evidence,
        "It works, but class numbers and output numbers count one apart elsewhere.",
        head.units,
    )


def _all_seen(train: Sample, targets: Targets, head: Head) -> bool:
    """Whether a class that exists would have come in what was read."""
    if targets.count < SEEN_EACH * min(head.units, 2 * len(targets.numbers)):
        return False
    if train.complete:
        return True
    found = train.classes
    if found is None:
        return False
    start = found[: max(1, len(found) // 4)]
    return set(np.unique(start)) == set(np.unique(found))


def _finding(
    severity: str,
    title: str,
    head: Head,
    evidence: dict[str, Any],
    why: str,
    right: int,
) -> Finding:
    activation = "" if head.activation is None else f', activation="{head.activation}"'
    if head.units == 1 and right > 1:
        activation = ', activation="softmax"'
    return Finding(
        code="RD206",
        label="output_units_mismatch",
        severity=severity,
        title=title,
        evidence={"units": head.units, **evidence},
        why=why,
        cure=f"{right} units on the output",
        snippet=f"keras.layers.Dense({right}{activation})",
        effect="Each output is one class; the loss starts at ln(classes).",
    )


CHECK = Check("the output has a unit for each class", find)
