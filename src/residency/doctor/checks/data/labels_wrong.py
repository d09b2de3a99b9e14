"""RD109: labels do not belong to the inputs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe, Sample
from residency.doctor.probe.features import ROWS, Dependence, dependence, features_of
from residency.records import Finding

CLEAR = 8.0
"""Deviations above permuted labels: classes follow from inputs by simple rules."""
NONE = 3.0
GAP = 0.5
"""Share of the attainable accuracy that is lost in the other part."""
LEAST = 60
STEADY = 0.8
"""Correlation of features between two reads, from which random changes do not hide
classes."""


class _Part(NamedTuple):
    name: str
    features: np.ndarray
    labels: np.ndarray
    """Class numbers, or real numbers."""

    @property
    def are_classes(self) -> bool:
        """Whether labels name classes."""
        return self.labels.dtype.kind != "f"


def run(probe: Probe) -> Sequence[Finding] | None:
    """Tells classes by simple rules inside each part, against permuted labels.

    One part where it works shows that it can; then the other part, made alike, must
    not be at chance. Where neither works, the task may just be hard.
    """
    if probe.validation is None:
        return None
    parts = [_part("training", probe.train), _part("validation", probe.validation)]
    ours, theirs = parts
    if ours is None or theirs is None:
        return None
    if ours.are_classes != theirs.are_classes:
        return None
    if not ours.are_classes and not _of_one_range(ours.labels, theirs.labels):
        return None
    count = min(len(ours.labels), len(theirs.labels), ROWS)
    first, second = _measure(ours, count), _measure(theirs, count)
    for bad, good, part in ((first, second, ours), (second, first, theirs)):
        if good.z < CLEAR or good.accuracy - good.chance < 0.1:
            continue
        kept = (bad.accuracy - bad.chance) / (good.accuracy - good.chance)
        if bad.z < NONE and kept < 0.25:
            return [_finding(part, bad, good, kept)]
        if kept < 1 - GAP and good.z - bad.z > CLEAR and count >= 200:
            return [_finding(part, bad, good, kept)]
    if max(first.z, second.z) < CLEAR:
        return None
    if not ours.are_classes:
        return []
    crossed = _across(ours, theirs)
    if crossed is not None and min(first.z, second.z) >= CLEAR:
        best = min(first.accuracy, second.accuracy)
        chance = max(first.chance, second.chance)
        low, high = chance + 0.3 * (best - chance), chance + 0.6 * (best - chance)
        if best - chance > 0.2 and crossed.accuracy < low and crossed.renamed > high:
            return [_permuted(crossed.accuracy, chance, best)]
    return []


def _part(name: str, sample: Sample) -> _Part | None:
    x, y = sample.x, sample.classes
    if y is None:
        y = _numbers(sample.y)
    if x is None or y is None or len(y) < LEAST or len(np.unique(y)) < 2:
        return None
    if x.dtype.kind not in "fiu" or not np.isfinite(x).all():
        return None
    redraw = sample.redraw
    images = sample.images
    if (
        redraw is not None
        and redraw.random
        and not _steady(redraw.first, redraw.second, images is not None)
    ):
        return None
    if sample.redrawn and not (redraw is not None and redraw.random):
        return None  # changed at random, and the same samples come changed alike
    data = x.reshape(len(x), -1) if images is None else images
    rows = np.random.default_rng(0).permutation(len(data))[: 2 * ROWS]
    features = features_of(data[rows], images=images is not None)
    if len(np.unique(np.round(features, 4), axis=0)) < 0.3 * len(features):
        return None  # a handful of distinct inputs
    return _Part(name, features, y[rows])


def _numbers(y: np.ndarray | None) -> np.ndarray | None:
    """Returns a column of real numbers; `None`: labels are something else."""
    if y is None or y.size != len(y) or y.dtype.kind not in "fiu":
        return None
    y = y.reshape(-1).astype("float64")
    return y if np.isfinite(y).all() else None


def _of_one_range(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Whether numbers vary alike: of a narrow range less can be explained."""
    return 0.5 < float(ours.std()) / max(float(theirs.std()), 1e-12) < 2


def _steady(first: np.ndarray | None, second: np.ndarray | None, images: bool) -> bool:
    """Whether random changes leave features nearly as they were."""
    if first is None or second is None or first.ndim not in (2, 3, 4):
        return False
    if images and first.shape[-1] not in (1, 3, 4):
        first, second = np.moveaxis(first, 1, -1), np.moveaxis(second, 1, -1)
    both = features_of(np.concatenate([first, second]), images=images)
    a, b = both[: len(first)], both[len(first) :]
    return float((a * b).mean()) > STEADY


def _measure(part: _Part, count: int) -> Dependence:
    return dependence(part.features[:count], part.labels[:count])


class _Crossed(NamedTuple):
    accuracy: float
    """In validation, of a rule from training."""
    renamed: float
    """The same, if each class may have another number there."""


def _across(ours: _Part, theirs: _Part) -> _Crossed | None:
    """Returns how a rule from training does in validation.

    `None`: the parts are coded in another way.
    """
    if ours.features.shape[1] != theirs.features.shape[1]:
        return None
    names, numbers = np.unique(ours.labels[:ROWS], return_inverse=True)
    if not np.array_equal(names, np.unique(theirs.labels[:ROWS])):
        return None
    x = ours.features[:ROWS]
    gram = x.T @ x + 0.1 * len(x) * np.eye(x.shape[1])
    rule = np.linalg.solve(gram, x.T @ (np.eye(len(names))[numbers] - len(names) ** -1))
    said = (theirs.features[:ROWS] @ rule).argmax(axis=1)
    true = np.searchsorted(names, theirs.labels[:ROWS])
    table = np.zeros((len(names), len(names)))
    np.add.at(table, (true, said), 1)
    best = table.argmax(axis=0)
    renamed = table.max(axis=0).sum() if len(set(best)) == len(names) else 0.0
    return _Crossed(float(np.trace(table) / len(true)), float(renamed / len(true)))


def _finding(part: _Part, bad: Dependence, good: Dependence, kept: float) -> Finding:
    share = float(np.clip(1 - kept, 0, 1))
    name = part.name
    other = "validation" if name == "training" else "training"
    does = "is right in" if part.are_classes else "explains of their variance"
    return Finding(
        code="RD109",
        label="labels_wrong",
        severity="error" if kept < 0.1 else "warning",
        title=(
            f"Labels of the {name} part do not follow from its inputs: a simple rule "
            f"{does} {100 * bad.accuracy:.0f} % (chance {100 * bad.chance:.0f} "
            f"%), in the {other} part in {100 * good.accuracy:.0f} %."
        ),
        evidence={
            "accuracy": bad.accuracy,
            "chance": bad.chance,
            "z": bad.z,
            "other_accuracy": good.accuracy,
            "other_z": good.z,
            "share_wrong": share,
        },
        why=(
            "Nothing can be learnt from labels that belong to other samples; the "
            "network can only memorise."
        ),
        cure="check that inputs and labels are in the same order",
        snippet="order = rng.permutation(len(x))\nx, y = x[order], y[order]",
        effect="training accuracy rises above chance on new samples",
        confidence=0.9 if bad.z < NONE else 0.6,
    )


def _permuted(crossed: float, chance: float, best: float) -> Finding:
    return Finding(
        code="RD109",
        label="labels_wrong",
        severity="warning",
        title=(
            "Class numbers mean other classes in validation: a rule from the training "
            f"part is right there in {100 * crossed:.0f} % (chance "
            f"{100 * chance:.0f} %), inside each part in {100 * best:.0f} %."
        ),
        evidence={"across": crossed, "chance": chance, "inside": best},
        why="Folders listed in another order, or a label map of its own, do this.",
        cure="number the classes once, from one sorted list of names",
        snippet="names = sorted(train_names)\ny = [names.index(n) for n in val_names]",
        effect="validation accuracy rises from chance",
        confidence=0.6,
    )


CHECK = Check("labels follow from the inputs", run)
