"""RD107: a part lacks classes of the other."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe
from residency.records import Finding

EXPECTED = 7.0
"""Samples of a class expected in a random split from which none is no accident: the
chance is exp(-7), one in a thousand."""
FAR, APART = 0.6, 0.25
"""Half the sum of differences of class shares: parts that hardly share classes, and
parts that differ as a long tail differs from its balanced test."""


def run(probe: Probe) -> Sequence[Finding] | None:
    """Compares the classes of both parts."""
    train, held_out = probe.train, probe.validation
    if held_out is None or train.classes is None or held_out.classes is None:
        return None
    ours, theirs = train.classes, held_out.classes
    names = np.union1d(ours, theirs)
    a = np.array([(ours == c).sum() for c in names], dtype=float)
    b = np.array([(theirs == c).sum() for c in names], dtype=float)
    shares, held = a / a.sum(), b / b.sum()
    lost = names[(b == 0) & (shares * b.sum() >= EXPECTED)] if held_out.complete else []
    new = names[(a == 0) & (held * a.sum() >= EXPECTED)] if train.complete else []
    distance = float(0.5 * np.abs(shares - held).sum())
    noise = float(np.sqrt(len(names) / min(a.sum(), b.sum())))
    if not (train.complete and held_out.complete) and not (len(lost) or len(new)):
        return None
    if not len(lost) and not len(new) and distance < max(APART, noise):
        return []
    bad = len(lost) or len(new) or distance >= max(FAR, noise)
    parts = []
    if len(lost):
        parts.append(f"validation has no sample of class {_some(lost)}")
    if len(new):
        parts.append(f"training has no sample of class {_some(new)}")
    if not parts:
        parts.append(f"class shares differ by {100 * distance:.0f} points in sum")
    return [
        Finding(
            code="RD107",
            label="split_not_representative",
            severity="warning" if bad else "advice",
            title=f"The parts are no random split: {' and '.join(parts)}.",
            evidence={
                "missing_in_validation": [int(c) for c in lost],
                "missing_in_training": [int(c) for c in new],
                "distance": distance,
            },
            why=(
                "Accuracy on such a part tells about its own classes only; "
                "`validation_split` takes the tail of the data before shuffling."
            ),
            cure="shuffle before splitting, or split class by class",
            snippet=(
                "x_train, x_val, y_train, y_val = train_test_split(\n"
                "    x, y, test_size=0.2, stratify=y, random_state=0)"
            ),
            effect="validation measures all classes",
            confidence=0.95 if bad else 0.5,
        )
    ]


def _some(classes: Any) -> str:
    words = ", ".join(str(int(c)) for c in classes[:5])
    return words + (f" and {len(classes) - 5} more" if len(classes) > 5 else "")


CHECK = Check("no class is missing in a part", run)
