"""RD117: augmentation leaves black corners."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe
from residency.records import Finding

ROOM = 24
"""A block has this part of the side; turning by 7 degrees blackens one and a half."""
LEVEL = 2 / 255
"""Of the range of clean pictures, above their darkest value: still black."""
SHARE, CLEAN = 0.2, 0.05
"""Least share of the training pictures, and most of the clean ones."""


def run(probe: Probe) -> Sequence[Finding] | None:
    """Compares the corners of training pictures with those of validation pictures."""
    train, held_out = probe.train, probe.validation
    if train.redraw is None or train.images is None:
        return None
    if not train.redraw.random:
        return []
    clean = None if held_out is None else held_out.images
    if clean is None or len(clean) < 16 or min(train.images.shape[1:3]) < ROOM:
        return None
    low = clean.min(axis=(0, 1, 2))
    limit = low + LEVEL * (clean.max(axis=(0, 1, 2)) - low)
    ours, theirs = _cornered(train.images, limit), _cornered(clean, limit)
    return [_finding(ours, theirs)] if ours >= SHARE and theirs <= CLEAN else []


def _cornered(images: np.ndarray, limit: np.ndarray) -> float:
    """Returns the share of pictures that are black in three corners and not between.

    A crop out of a padded picture blackens whole sides, and is no rotation.
    """
    black = np.all(images <= limit, axis=-1)
    rows, columns = (_blocks(size) for size in images.shape[1:3])
    places = [[black[:, r, c].all(axis=(1, 2)) for c in columns] for r in rows]
    filled = np.moveaxis(np.array(places), -1, 0)  # (n, 3, 3)
    corners = filled[:, ::2, ::2].sum(axis=(1, 2))
    between = filled.sum(axis=(1, 2)) - corners
    return float(((corners >= 3) & (between == 0)).mean())


def _blocks(size: int) -> tuple[slice, slice, slice]:
    """Returns the first, the middle and the last pixels of a side."""
    width = max(1, size // ROOM)
    middle = (size - width) // 2
    return slice(0, width), slice(middle, middle + width), slice(size - width, size)


def _finding(ours: float, theirs: float) -> Finding:
    return Finding(
        code="RD117",
        label="black_corners",
        severity="advice",
        title=(
            f"{100 * ours:.0f} % of the training pictures have black corners, of the "
            f"validation pictures {100 * theirs:.0f} %."
        ),
        evidence={"training": round(ours, 3), "validation": round(theirs, 3)},
        why=(
            "A rotation fills with black what it has no pixels for. The network spends "
            "itself on triangles that no test picture has."
        ),
        cure="reflect at the border, or turn before a crop that cuts the corners off",
        snippet="keras.layers.RandomRotation(0.05, fill_mode='reflect')",
        effect="training pictures look like test pictures to their corners",
        confidence=0.8,
    )


CHECK = Check("augmentation leaves no black corners", run)
