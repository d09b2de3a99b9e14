"""RD108: validation samples are in the training data."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe, Sample
from residency.doctor.probe.features import shrink
from residency.records import Finding

SIDE = 8
ALIKE = 0.997
"""Correlation of block means. Measured on photos and CIFAR-10: a new JPEG of quality 75
stays above 0.9966; of different pictures among thousands the closest reach 0.9945."""
LEAST_SHARE, HALF = 0.05, 0.5
"""Well-known sets share up to 3 % of their parts; more is a fault of the split."""
LEAST_COUNT = 3
DISTINCT = 0.5
"""Share of distinct samples under which equal ones are in the nature of the data."""
COLUMNS = 3
OWN, LEAST_ROWS = 0.95, 50
"""Share of the rows with a value of their own in a column that was measured finely; and
the rows from which on that is seen."""
_COLUMNS_READ = 256
_ROWS = 6000
_CHUNK = 512


def run(probe: Probe) -> Sequence[Finding] | None:
    """Counts validation samples with an equal, or mirrored, training sample."""
    train, held_out = probe.train, probe.validation
    if held_out is None or train.x is None or held_out.x is None:
        return None
    if train.images is not None and held_out.images is not None:
        pairs = _equal_images(train, held_out)
    else:
        pairs = _equal_rows(train.x, held_out.x)
    if pairs is None:
        return None
    looked, found = pairs
    share = len(found) / looked
    if len(found) < LEAST_COUNT or share < 0.005:
        return []
    severity = "advice"
    if share >= LEAST_SHARE:
        severity = "error" if share >= HALF else "warning"
    return [_finding(looked, found, severity)]


def _equal_rows(ours: np.ndarray, theirs: np.ndarray) -> tuple[int, list] | None:
    if ours.shape[1:] != theirs.shape[1:] or ours.dtype.kind not in "fiub":
        return None
    ours, theirs = ours.astype("float32"), theirs.astype("float32")
    if ours[0].size < COLUMNS:
        return None  # points of a line or grid meet by themselves
    known: dict[bytes, int] = {}
    for index, row in enumerate(ours):
        known.setdefault(row.tobytes(), index)
    keys = [row.tobytes() for row in theirs]
    found = [(n, known[key], "") for n, key in enumerate(keys) if key in known]
    if _measured(ours[list(known.values())]):
        return len(keys), found
    if len(known) < DISTINCT * len(ours) or len(set(keys)) < DISTINCT * len(keys):
        return None  # few distinct rows: equal ones are no copies
    natural = 1 - len(known) / len(ours)
    return len(keys), found if len(found) > 2 * natural * len(keys) else []


def _measured(rows: np.ndarray) -> bool:
    """Whether distinct rows differ in nearly every number of some columns.

    Such rows do not meet by themselves, however often a class was copied.
    """
    flat = rows.reshape(len(rows), -1)[:, :_COLUMNS_READ]
    own = [len(np.unique(column)) > OWN * len(rows) for column in flat.T]
    return len(rows) >= LEAST_ROWS and sum(own) >= COLUMNS


def _equal_images(train: Sample, held_out: Sample) -> tuple[int, list] | None:
    ours, theirs = train.images, held_out.images
    if ours is None or theirs is None or ours.shape[-1] != theirs.shape[-1]:
        return None
    a, b = shrink(ours[:_ROWS], SIDE), shrink(theirs[:_ROWS], SIDE)
    if a.shape[1:] != b.shape[1:] or a.shape[1] * a.shape[2] < 16:
        return None
    keys, _ = _vectors(a)
    found: dict[int, tuple[int, int, str]] = {}
    looked = 0
    if _distinct(keys) < DISTINCT:
        return None
    for name, turned in _turned(b):
        vectors, rich = _vectors(turned)
        looked = max(looked, int(rich.sum()))
        for start in range(0, len(vectors), _CHUNK):
            part = vectors[start : start + _CHUNK]
            likeness = part @ keys.T
            nearest = likeness.argmax(axis=1)
            for offset, index in enumerate(nearest):
                number = start + offset
                if rich[number] and likeness[offset, index] > ALIKE:
                    found.setdefault(number, (number, int(index), name))
    return (looked, sorted(found.values())) if looked else None


def _vectors(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns centred unit vectors `(n, numbers)` and whether each has any content."""
    flat = blocks - blocks.mean(axis=(1, 2), keepdims=True)
    flat = flat.reshape(len(flat), -1)
    norm = np.linalg.norm(flat, axis=1)
    rich = norm > 0.1 * np.median(norm)
    return flat / np.maximum(norm, 1e-12)[:, None], rich & (norm > 0)


def _distinct(vectors: np.ndarray) -> float:
    rows = {row.tobytes() for row in np.round(vectors, 3)}
    return len(rows) / len(vectors)


def _turned(blocks: np.ndarray) -> Sequence[tuple[str, np.ndarray]]:
    views = [
        ("", blocks),
        ("mirrored", blocks[:, :, ::-1]),
        ("upside down", blocks[:, ::-1]),
        ("turned by 180 degrees", blocks[:, ::-1, ::-1]),
    ]
    if blocks.shape[1] == blocks.shape[2]:
        views += [
            ("turned by 90 degrees", np.rot90(blocks, 1, (1, 2))),
            ("turned by 270 degrees", np.rot90(blocks, 3, (1, 2))),
        ]
    return views


def _finding(looked: int, found: list, severity: str) -> Finding:
    turned = sum(1 for _, _, how in found if how)
    share = len(found) / looked
    extra = f", {turned} of them mirrored or turned" if turned else ""
    return Finding(
        code="RD108",
        label="train_val_overlap",
        severity=severity,
        title=(
            f"{len(found)} of {looked} validation samples ({100 * share:.0f} %) are in "
            f"the training data{extra}."
        ),
        evidence={
            "copies": len(found),
            "looked_at": looked,
            "turned": turned,
            "examples": [[a, b] for a, b, _ in found[:8]],
        },
        why=(
            "The network has seen these samples: validation measures its memory, and "
            "overfitting stays invisible."
        ),
        cure="split before copies are made, and remove copies",
        snippet=(
            "# indices in reading order: (validation, training), see evidence\n"
            "keep = [n for n in range(len(x_val)) if n not in copies]"
        ),
        effect="validation becomes honest, and usually lower",
        confidence=0.95 if severity != "advice" else 0.7,
    )


CHECK = Check("no validation sample is in the training data", run)
