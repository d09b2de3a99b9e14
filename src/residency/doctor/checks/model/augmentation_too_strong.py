"""RD227: a random layer of the model leaves little of the picture."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.chain import named
from residency.doctor.probe import Node, Probe
from residency.records import Finding

HALF = 0.5
TIMES = 4.0
"""Noise of twice the deviation is hard, and has been tried; beyond four it is all."""
LITTLE = 0.1
LARGE = 20.0
"""Above it pixels are those of files, 0..255."""


def find(probe: Probe) -> Sequence[Finding] | None:
    """Reads the ranges of shifts; compares those of pixels with what layers expect."""
    return [*_shifted(probe), *_off_scale(probe)]


def _shifted(probe: Probe) -> Sequence[Finding]:
    shares = {n: _farthest(n) for n in probe.graph.of_kind("RandomTranslation")}
    far = [node for node, share in shares.items() if share >= HALF]
    if not far:
        return []
    most = max(shares.values())
    return [
        Finding(
            code="RD227",
            label="augmentation_too_strong",
            severity="warning",
            title=f"{named(far)}: moves pictures by up to {100 * most:.0f} % of their "
            "side.",
            evidence={"most": most},
            why="Half of a picture, and often what decides the label, is out of the "
            "frame; validation pictures are whole.",
            cure="Shift by a tenth of the side",
            snippet="keras.layers.RandomTranslation(0.1, 0.1)",
            effect="Training accuracy rises, and validation with it.",
            confidence=0.85,
        )
    ]


def _off_scale(probe: Probe) -> Iterator[Finding]:
    """Yields a finding for each random layer that was meant for another scale."""
    if probe.forward is None:
        return
    for node in probe.graph.entrances:
        told, given = _value_range(node), probe.forward.entrances.get(node.name)
        if given is None or not np.isfinite(given).all():
            continue
        low, high, spread = float(given.min()), float(given.max()), float(given.std())
        if node.kind == "GaussianNoise" and node.layer.stddev > TIMES * spread > 0:
            words = f"adds noise of deviation {node.layer.stddev:.3g}"
            cure = f"keras.layers.GaussianNoise({0.1 * spread:.2g})"
        elif told is not None and _contradicts(told, low, high):
            words = f"was told that they lie in {told[0]:g}..{told[1]:g}"
            right = _usual_range(low, high)
            cure = f"keras.layers.{node.kind}(..., value_range={right})"
        else:
            continue
        yield Finding(
            code="RD227",
            label="augmentation_too_strong",
            severity="warning",
            title=f"{named([node])}: takes numbers of {low:.3g}..{high:.3g}, and "
            f"{words}.",
            evidence={"low": low, "high": high, "deviation": spread},
            why="It was meant for pixels of another scale: little is left of a picture "
            "in training, while validation pictures are whole.",
            cure="Tell it the range of the pixels, or its size on their scale",
            snippet=cure,
            effect="Training accuracy rises, and validation with it.",
            confidence=0.95,
        )


def _value_range(node: Node) -> tuple[float, float] | None:
    if not node.kind.startswith("Random"):
        return None
    told = getattr(node.layer, "value_range", None)
    return None if told is None else (float(told[0]), float(told[1]))


def _contradicts(told: tuple[float, float], low: float, high: float) -> bool:
    """Whether pixels are ten times as large or small, or cut below zero."""
    lower, upper = told
    cut = lower >= 0 and low < -LITTLE * high
    return high > 0 and (upper > high / LITTLE or upper < LITTLE * high or cut)


def _usual_range(low: float, high: float) -> tuple[int, int]:
    """Returns the usual range of such pixels, else whole numbers around them."""
    if high <= 1:
        return (0, 1) if low >= 0 else (min(-1, math.floor(low)), 1)
    if low >= 0 and high > LARGE:
        return 0, 255
    return math.floor(low), math.ceil(high)


def _farthest(node: Node) -> float:
    settings = node.layer.get_config()
    factors = (settings["height_factor"], settings["width_factor"])
    return max(float(np.max(np.abs(factor))) for factor in factors)


CHECK = Check("random layers leave enough of the picture", find)
