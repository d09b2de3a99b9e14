"""RD103: validation data change at random."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe
from residency.records import Finding


def run(probe: Probe) -> Sequence[Finding] | None:
    """Compares two reads of the validation part."""
    redraw = None if probe.validation is None else probe.validation.redraw
    if redraw is None:
        return None
    if not redraw.random:
        return []
    evidence: dict[str, float] = {}
    size = ""
    if redraw.first is not None and redraw.second is not None:
        first, second = (x.astype("float32") for x in (redraw.first, redraw.second))
        change = float(np.sqrt(np.mean(np.square(first - second))))
        change /= float(first.std()) or 1.0
        evidence = {"change": change, "samples": float(len(first))}
        size = f" by {change:.2f} of their deviation"
    return [
        Finding(
            code="RD103",
            label="val_augmented",
            severity="warning",
            title=f"Validation inputs differ{size} when they are read again.",
            evidence=evidence or {"share_of_new_samples": 1.0},
            why=(
                "Random changes belong to training: here they make every validation "
                "number noisy and too low, and epochs cannot be compared."
            ),
            cure="leave random changes out of the validation pipeline",
            snippet=(
                "validation = ImageDataGenerator(preprocessing_function=prepare)\n"
                "# or: call augmentation layers on the training data only"
            ),
            effect="validation becomes repeatable, and higher if changes were strong",
            confidence=0.95,
        )
    ]


CHECK = Check("validation data are the same at each reading", run)
