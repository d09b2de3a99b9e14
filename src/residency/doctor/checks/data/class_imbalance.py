"""RD111: class frequencies are very unequal and nothing compensates."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe
from residency.records import Finding

RATIO, STRONG = 10.0, 8.0
"""Samples of the most frequent class for one of the rarest; the smaller number where
that class also rules."""
MAJORITY, MOST, BINARY = 0.4, 0.7, 0.9
"""Share of the most frequent class from which saying it always looks like success: of
many classes, of three, of two."""
LEAST = 100


def run(probe: Probe) -> Sequence[Finding] | None:
    """Counts classes of the training part."""
    y = probe.train.classes
    loss = probe.settings.loss
    if y is None or len(y) < LEAST or (loss is not None and not loss.is_crossentropy):
        return None
    names, counts = np.unique(y, return_counts=True)
    if len(names) < 2 or not (probe.train.complete or len(y) > 50 * len(names)):
        return None
    weights = [w for _, _, w in probe.train.batches if isinstance(w, np.ndarray)]
    if weights and np.ptp(np.concatenate([w.reshape(-1) for w in weights])) > 0:
        return []
    ratio, majority = (
        float(counts.max() / counts.min()),
        float(counts.max() / counts.sum()),
    )
    most = BINARY if len(names) == 2 else min(MOST, max(MAJORITY, 2 / len(names)))
    strong = ratio >= STRONG and majority >= most
    if not strong and ratio < RATIO:
        return []
    weight = {
        int(c): round(float(len(y) / (len(names) * n)), 3)
        for c, n in zip(names, counts, strict=True)
    }
    shown = weight if len(weight) <= 12 else "weights"
    return [
        Finding(
            code="RD111",
            label="class_imbalance",
            severity="warning" if strong else "advice",
            title=(
                f"The most frequent class has {ratio:.0f} samples to one of the "
                f"rarest; always saying it is right in {100 * majority:.0f} %."
            ),
            evidence={
                "ratio": ratio,
                "majority_baseline": majority,
                "rarest": int(counts.min()),
                "classes": len(names),
            },
            why=(
                "Accuracy and loss are ruled by the frequent classes; a network that "
                "never names the rare ones looks good."
            ),
            cure="weigh the classes, and look at balanced accuracy",
            snippet=f"model.fit(..., class_weight={shown})",
            effect="recall of rare classes rises, plain accuracy may fall",
            confidence=0.85 if strong else 0.5,
        )
    ]


CHECK = Check("class frequencies are of the same order", run)
