"""RD115: pictures without any content."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe
from residency.records import Finding

EMPTY = 0.01
"""Deviation inside a picture relative to that of all: half a level of 8-bit pixels."""
SHARE, MANY = 0.02, 0.3


def run(probe: Probe) -> Sequence[Finding] | None:
    """Counts pictures of one colour in the training part."""
    images = probe.train.images
    if images is None:
        return None
    inside = images.std(axis=(1, 2)).mean(axis=-1)
    whole = float(images.std())
    blank = inside <= EMPTY * whole
    share = float(blank.mean())
    if share < SHARE or blank.sum() < 2:
        return []
    return [
        Finding(
            code="RD115",
            label="blank_images",
            severity="warning" if share >= MANY else "advice",
            title=f"{int(blank.sum())} of {len(images)} pictures have a single colour.",
            evidence={
                "blank": int(blank.sum()),
                "share": share,
                "examples": [int(n) for n in np.flatnonzero(blank)[:8]],
            },
            why=(
                "Failed decoding, a wrong scale with whole-number types (pixels / 255 "
                "as integers) or a strong augmentation leave such pictures; nothing "
                "can be learnt from them."
            ),
            cure="look at them, then mend the reader or leave them out",
            snippet="good = x.std(axis=(1, 2, 3)) > 0\nx, y = x[good], y[good]",
            effect="labels belong to pictures again",
            confidence=0.8,
        )
    ]


CHECK = Check("pictures have content", run)
