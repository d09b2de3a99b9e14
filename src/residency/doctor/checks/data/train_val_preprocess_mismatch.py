"""RD102: training and validation data are prepared differently."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe, Sample
from residency.doctor.probe.pixels import recover_channels
from residency.records import Finding

RATIO, SHIFT = 1.6, 0.6
"""Of deviations and, in deviations, of means: what other pictures of the same kind do
not show when both parts are split at random."""
AUGMENTED_RATIO, AUGMENTED_SHIFT = 4.0, 2.0
TABLE_RATIO, TABLE_SHIFT = 3.0, 3.0
SIGNIFICANT = 6.0
"""Standard errors, over samples."""
LEVELS = 8.0
"""Difference of means, in 8-bit levels, that is more than another rounding."""


def run(probe: Probe) -> Sequence[Finding] | None:
    """Compares steps between pixels, then deviations and means."""
    if probe.validation is None:
        return None
    train, held_out = probe.train, probe.validation
    if train.x is None or held_out.x is None or train.x.dtype.kind not in "fiu":
        return None
    if train.x.shape[1:] != held_out.x.shape[1:] and train.images is None:
        return None
    if min(len(train.x), len(held_out.x)) < 8:
        return None
    for compare in (_exact, _by_distribution, _exchanged):
        found = compare(train, held_out)
        if found is not None:
            return [found]
    return []


def _exact(train: Sample, held_out: Sample) -> Finding | None:
    """Compares scales that were recovered from the steps between pixels."""
    if train.images is None or held_out.images is None:
        return None
    ours = recover_channels(train.images[:64])
    theirs = recover_channels(held_out.images[:64])
    if ours is None or theirs is None or len(ours) != len(theirs):
        return None
    ratios = [b.std / a.std for a, b in zip(ours, theirs, strict=True)]
    means = (
        [a.mean for a in ours],
        [b.mean_near(a.mean) for a, b in zip(ours, theirs, strict=True)],
    )
    differ = max(abs(a - b) for a, b in zip(*means, strict=True))
    if max(abs(np.log(ratios))) < np.log(1.15) and differ < LEVELS:
        return None
    return _finding(
        f"training has {_words(means[0][0], ours[0].std)}, validation "
        f"{_words(means[1][0], theirs[0].std)}",
        {
            "train_mean": [a.mean for a in ours],
            "train_std": [a.std for a in ours],
            "validation_mean": list(means[1]),
            "validation_std": [b.std for b in theirs],
        },
        0.99,
    )


def _by_distribution(train: Sample, held_out: Sample) -> Finding | None:
    ours, theirs = _spread(train), _spread(held_out)
    (mean, std, low, high, error), (mean2, std2, low2, high2, error2) = ours, theirs
    both = np.maximum(np.minimum(std, std2), 1e-12)
    ratio = float(
        np.exp(
            np.median(np.abs(np.log(np.maximum(std2, 1e-12) / np.maximum(std, 1e-12))))
        )
    )
    shift = float(np.median(np.abs(mean2 - mean) / both))
    certain = float(
        np.median(np.abs(mean2 - mean) / np.hypot(error, error2).clip(1e-12))
    )
    redraw = train.redraw
    most, far = RATIO, SHIFT
    if train.images is None:
        most, far = TABLE_RATIO, TABLE_SHIFT
    elif redraw is None or redraw.random:
        most, far = AUGMENTED_RATIO, AUGMENTED_SHIFT
    extent = (high - low) / max(high2 - low2, 1e-12)
    scaled = ratio > most and (extent > 1.3 or extent < 1 / 1.3)
    moved = shift > far and certain > SIGNIFICANT and _ranges_differ(ours, theirs)
    if not (scaled or moved):
        return None
    return _finding(
        f"training lies in {low:.4g}..{high:.4g} (deviation {np.median(std):.3g}), "
        f"validation in {low2:.4g}..{high2:.4g} ({np.median(std2):.3g})",
        {
            "train_mean": float(np.median(mean)),
            "train_std": float(np.median(std)),
            "train_range": [low, high],
            "validation_mean": float(np.median(mean2)),
            "validation_std": float(np.median(std2)),
            "validation_range": [low2, high2],
        },
        0.9,
    )


def _words(mean: float, std: float) -> str:
    """Returns `(pixel - mean) / std` without what changes nothing."""
    sign = "-" if mean > 0 else "+"
    shifted = "pixel" if abs(mean) < 0.005 else f"(pixel {sign} {abs(mean):.4g})"
    return shifted if f"{std:.4g}" == "1" else f"{shifted} / {std:.4g}"


def _ranges_differ(ours: Any, theirs: Any) -> bool:
    """Whether the ends lie apart by a tenth of the range: contents alone move means."""
    (_, _, low, high, _), (_, _, low2, high2, _) = ours, theirs
    width = max(high - low, high2 - low2, 1e-12)
    return abs(low - low2) > 0.1 * width or abs(high - high2) > 0.1 * width


def _exchanged(train: Sample, held_out: Sample) -> Finding | None:
    """Red and blue exchanged in one part: the warm channel is another one."""
    ours, theirs = train.images, held_out.images
    if ours is None or theirs is None or ours.shape[-1] != 3 or theirs.shape[-1] != 3:
        return None
    sides = []
    for images in (ours, theirs):
        difference = (images[..., 0] - images[..., 2]).mean(axis=(1, 2))
        error = float(difference.std()) / np.sqrt(len(difference))
        scale = float(images.std()) or 1.0
        sides.append(
            (
                float(difference.mean()) / scale,
                float(difference.mean()) / max(error, 1e-12),
            )
        )
    (size, z), (size2, z2) = sides
    if (
        z * z2 >= 0
        or min(abs(z), abs(z2)) < SIGNIFICANT
        or min(abs(size), abs(size2)) < 0.15
    ):
        return None
    if max(abs(size), abs(size2)) > 2 * min(abs(size), abs(size2)):
        return None
    return _finding(
        f"the first channel minus the third is {size:+.2f} deviations in training and "
        f"{size2:+.2f} in validation: red and blue are exchanged in one of them",
        {"train_first_minus_third": size, "validation_first_minus_third": size2},
        0.8,
    )


def _spread(sample: Sample) -> tuple[np.ndarray, np.ndarray, float, float, np.ndarray]:
    """Returns mean and deviation by channel or column, the range, errors of means."""
    x = sample.images if sample.images is not None else sample.x
    if x is None:
        raise TypeError("_spread: expected a part with one array of inputs, got none.")
    x = x.astype("float32")
    if sample.images is None:
        flat = x.reshape(len(x), -1)
        each = flat
    else:
        flat = x.reshape(-1, x.shape[-1])
        each = x.mean(axis=(1, 2))
    low, high = np.quantile(flat[:: max(1, len(flat) // 200_000)], (0.002, 0.998))
    error = each.std(axis=0) / np.sqrt(len(each))
    return flat.mean(axis=0), flat.std(axis=0), float(low), float(high), error


def _finding(what: str, evidence: dict[str, Any], confidence: float) -> Finding:
    return Finding(
        code="RD102",
        label="train_val_preprocess_mismatch",
        severity="error",
        title=f"Training and validation are prepared differently: {what}.",
        evidence=evidence,
        why=(
            "The model is measured on inputs of another scale than it learns from, so "
            "the validation numbers say nothing about it."
        ),
        cure="prepare both parts with one function, or inside the model",
        snippet=(
            "def prepare(image, label):\n"
            "    return preprocess_input(image), label\n"
            "train, validation = train.map(prepare), validation.map(prepare)"
        ),
        effect="validation follows training",
        confidence=confidence,
    )


CHECK = Check("training and validation are prepared alike", run)
