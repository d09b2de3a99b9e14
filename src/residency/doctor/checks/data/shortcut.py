"""RD116: the class can be read off something that is not the object."""

from collections.abc import Mapping, Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe, Sample
from residency.records import Finding, Proportion

GOOD, GAIN = 0.85, 0.25
"""Accuracy of a trivial rule, and its distance from the most frequent class."""
BINS = 12
LEAST = 80


def run(probe: Probe) -> Sequence[Finding] | None:
    """Names classes by one number a picture, on pictures the rule was not made from."""
    train = probe.train
    if train.images is None or train.classes is None or len(train.images) < LEAST:
        return None
    y = train.classes
    majority = float(np.unique(y, return_counts=True)[1].max() / len(y))
    found = []
    for name, numbers in _numbers(train).items():
        right = _hits(numbers, y)
        share = right / len(y)
        if share >= GOOD and share - majority >= GAIN:
            found.append((share, name, Proportion(right, len(y))))
    if not found:
        return []
    _, name, accuracy = max(found)
    return [_finding(name, accuracy, majority)]


def _numbers(sample: Sample) -> Mapping[str, np.ndarray]:
    images = sample.images
    if images is None:
        return {}
    sides, tops = _border(images), _border(images.swapaxes(1, 2))
    edge = np.concatenate([images[:, 0], images[:, -1]], axis=1)
    return {
        "brightness": images.mean(axis=(1, 2, 3)),
        "colour of the border": edge.mean(axis=(1, 2)),
        "padding (the shape before resizing)": sides - tops,
        "contrast": images.std(axis=(1, 2, 3)),
    }


def _border(images: np.ndarray) -> np.ndarray:
    """Returns the number of columns of one value at the left of each picture."""
    flat = np.ptp(images, axis=1).max(axis=-1) == 0  # (n, width)
    return np.cumprod(flat, axis=1).sum(axis=1).astype("float32")


def _hits(numbers: np.ndarray, y: np.ndarray) -> int:
    """Counts right answers of "the most frequent class of its bin", leaving one out."""
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, BINS + 1)[1:-1]))
    place = np.searchsorted(edges, numbers, side="right")
    names, codes = np.unique(y, return_inverse=True)
    counts = np.zeros((len(edges) + 1, len(names)))
    np.add.at(counts, (place, codes), 1)
    votes = counts[place]
    votes[np.arange(len(y)), codes] -= 1
    return int((votes.argmax(axis=1) == codes).sum())


def _finding(name: str, accuracy: Proportion, majority: float) -> Finding:
    return Finding(
        code="RD116",
        label="shortcut",
        severity="advice",
        title=f"The {name} alone tells the class of {100 * accuracy.rate:.0f} %.",
        evidence={
            "rule": name,
            "accuracy": accuracy.rate,
            "low": accuracy.interval[0],
            "majority_baseline": majority,
        },
        why=(
            "A network takes the easiest way: if this comes from how pictures were "
            "taken or prepared, it fails where that differs."
        ),
        cure="take and prepare the pictures of all classes alike",
        snippet="images = keras.layers.RandomBrightness(0.3)(images)",
        effect="accuracy on pictures from elsewhere rises",
        confidence=0.5,
    )


CHECK = Check("no trivial rule tells the class", run)
