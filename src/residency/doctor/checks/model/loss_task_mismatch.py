"""RD204: the loss is made for another task than the one the labels show."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.head import (
    BINARY,
    CROSSENTROPIES,
    HINGE,
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

SEVERAL = 0.05
"""Share of samples with no label or several that no exclusive classes have."""
MOST_CLASSES = 20
"""Whole numbers of so many values may be classes; more are counts or grades."""
_ACCURACY = ("accuracy", "acc", "categorical_accuracy", "binary_accuracy")
_ACCURACY += ("sparse_categorical_accuracy",)
_WHY_REGRESSION = (
    "Its gradient vanishes where the output is sure and wrong, so what is "
    "learned wrongly at first is hardly unlearned."
)


def find(probe: Probe) -> Sequence[Finding] | None:
    """Compares the loss with what the labels are."""
    settings, head = probe.settings, read_head(probe)
    targets = read_targets(probe, head)
    if settings.loss is None or head is None or targets is None:
        return None
    for judge in (_regression, _several_sigmoids, _one_output, _many_hot, _real):
        found = judge(settings, head, targets)
        if found is not None:
            return [found]
    return []


def _regression(settings: Settings, head: Head, targets: Targets) -> Finding | None:
    """Squares, distances and margins for classes."""
    name = _loss(settings)
    classes = targets.exclusive_classes
    if name not in (*REGRESSION, *HINGE) or targets.kind in ("soft", "signs"):
        return None
    measured = bool(set(settings.metrics) & set(_ACCURACY))
    if targets.kind == "one_hot" and head.units == classes:
        right = "categorical_crossentropy"
    elif targets.kind == "binary" and head.units == 1 and name not in HINGE:
        if head.activation != "sigmoid" or not measured:
            return None  # numbers 0 and 1 may be what is asked for
        right = "binary_crossentropy"
    elif targets.kind == "binary" and head.units == 1:
        if head.activation != "sigmoid":
            return None  # a margin on free scores is what hinge is for
        right = "binary_crossentropy"
    elif targets.kind == "classes" and 2 < classes <= MOST_CLASSES and measured:
        right = "sparse_categorical_crossentropy"
    else:
        return None
    return _finding(
        settings,
        "warning",
        f"{name} for {classes} classes that exclude each other.",
        {"loss": name, "classes": classes, "units": head.units},
        _WHY_REGRESSION
        if targets.kind != "classes" or head.units > 1
        else "It takes class 3 for three times class 1: numbers of classes are names.",
        right,
        "Sure mistakes get the largest gradient; fewer epochs are needed.",
        0.9 if classes > 2 else 0.6,
    )


def _several_sigmoids(
    settings: Settings, head: Head, targets: Targets
) -> Finding | None:
    """Binary cross-entropy for classes that exclude each other."""
    smooth = settings.loss is not None and settings.loss.label_smoothing > 0
    if _loss(settings) not in BINARY or targets.kind != "one_hot" or smooth:
        return None
    classes = targets.exclusive_classes
    if classes <= 2 or head.units != classes:
        return None
    return _finding(
        settings,
        "warning",
        f"binary_crossentropy for {classes} classes that exclude each other.",
        {
            "loss": _loss(settings),
            "classes": classes,
            "share_of_zeros": round(1 - 1 / classes, 4),
        },
        f"It asks {classes} separate yes-or-no questions and averages them: "
        f"'no' to all is right {1 - 1 / classes:.0%} of the time, and the loss looks "
        "small from the start.",
        "categorical_crossentropy",
        "The loss starts at ln(classes) and measures the choice between them.",
        0.8,
    )


def _one_output(settings: Settings, head: Head, targets: Targets) -> Finding | None:
    """Categorical cross-entropy on a single output."""
    name = _loss(settings)
    if name not in (*ONE_HOT, *SPARSE) or head.shape not in ((), (1,)):
        return None
    if head.activation == "softmax" or targets.width != 1:
        return None
    return _finding(
        settings,
        "error",
        f"{name} on one output is 0, or not defined, whatever the output is.",
        {"loss": name, "units": 1},
        "It compares shares of the outputs, and a single one has the share 1.",
        "binary_crossentropy",
        "The loss begins to fall.",
    )


def _many_hot(settings: Settings, head: Head, targets: Targets) -> Finding | None:
    """Cross-entropy of one class for labels that hold together."""
    name = _loss(settings)
    if name not in ONE_HOT or targets.kind != "multi_hot":
        return None
    sums = targets.values.sum(axis=1)
    several, none = float((sums > 1).mean()), float((sums == 0).mean())
    if several + none < SEVERAL:
        return None
    return _finding(
        settings,
        "error",
        f"{name} for labels of which several hold at once ({several:.0%} of the "
        "samples) or none.",
        {
            "loss": name,
            "labels_per_sample": round(float(sums.mean()), 3),
            "share_with_several": round(several, 4),
            "share_with_none": round(none, 4),
        },
        "It compares shares of 1: two labels that hold can reach one half each, and "
        "samples without labels count nothing.",
        "binary_crossentropy",
        "Each label is learned on its own; use sigmoid on the output.",
    )


def _real(settings: Settings, head: Head, targets: Targets) -> Finding | None:
    """Cross-entropy for numbers."""
    name = _loss(settings)
    if name not in CROSSENTROPIES or targets.kind != "real":
        return None
    values = targets.values
    low, high = float(values.min()), float(values.max())
    if name in BINARY and low >= 0 and high <= 1:
        return None  # shares and pixels in 0..1 are what it can compare
    if name in SPARSE and len(np.unique(values)) <= head.units:
        return None  # class numbers that were scaled: label_range
    return _finding(
        settings,
        "error",
        f"{name} for real numbers between {low:g} and {high:g}.",
        {"loss": name, "lowest_target": low, "highest_target": high},
        "It compares probabilities with classes; for numbers it has no lowest value "
        "where prediction and target agree.",
        "mean_squared_error",
        "The loss is least where predictions are right.",
    )


def _loss(settings: Settings) -> str:
    return "" if settings.loss is None else settings.loss.name


def _finding(
    settings: Settings,
    severity: str,
    title: str,
    evidence: dict[str, float | str | int],
    why: str,
    right: str,
    effect: str,
    confidence: float = 0.95,
) -> Finding:
    return Finding(
        code="RD204",
        label="loss_task_mismatch",
        severity=severity,
        title=title,
        evidence=evidence,
        why=why,
        cure=f"Use {right}",
        snippet=recompile(f'"{right}"', settings),
        effect=effect,
        confidence=confidence,
    )


CHECK = Check("the loss is made for what the labels are", find)
