"""RD403: a mean or deviation of the preprocessing is wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.checks.transfer.arrival import judge_arrival
from residency.doctor.probe import Node, Probe
from residency.doctor.probe.pixels import CONTRACTS, Affine, recover_channels
from residency.records import Finding

Numbers = tuple[float, ...]
KNOWN: Mapping[str, tuple[Numbers, Numbers]] = {
    "ImageNet": ((123.68, 116.779, 103.939), (58.393, 57.12, 57.375)),
    "ImageNet (0..1)": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "CIFAR-10": ((125.307, 122.95, 113.865), (62.9932, 62.0887, 66.7048)),
}
FAR = 3.0
"""Outputs of so many times the variance 1, or so small a part of it."""
NEAR = 0.3
"""Largest difference of logarithms from the deviation of what comes in."""
HALF_SQUARED = 0.25
SAME = 0.05
"""Levels by which two spellings of one constant differ."""


def run(probe: Probe) -> Sequence[Finding] | None:
    """Compares constants recovered from steps between pixels with the right ones."""
    arrival = judge_arrival(probe)
    if arrival is None:
        return _typed(probe)
    if arrival.kind != "constants":
        return []
    backbone = arrival.backbone
    contract = CONTRACTS[backbone.contract]
    return [
        Finding(
            code="RD403",
            label="preprocess_constants",
            severity=arrival.severity,
            title=f"Preprocessing for {backbone.family.words} uses {arrival.words}.",
            evidence={"layer": backbone.entrance.name, **arrival.evidence},
            why="A constant that is off shifts or scales every input of the weights.",
            cure="use the constants of the weights",
            snippet=f"mean, std = {contract.mean}, {contract.std}",
            effect="features are as good as the weights allow",
            confidence=arrival.confidence,
        )
    ]


def _typed(probe: Probe) -> Sequence[Finding] | None:
    """For weights of one's own: constants that are nearly well-known ones."""
    swapped = [node for node in probe.graph.entrances if _has_deviation(probe, node)]
    if swapped:
        return [_deviation(swapped[0])]
    images = probe.train.images
    if images is None or images.shape[-1] != 3:
        return None
    exact = recover_channels(images[:64])
    if exact is None:
        return None
    for name, (mean, std) in KNOWN.items():
        for order in (1, -1):
            words = _slip(exact, mean[::order], std[::order])
            if words is not None:
                return [_own(name, words, exact)]
    return []


def _has_deviation(probe: Probe, node: Node) -> bool:
    """Tells whether a `Normalization` was given deviations for variances."""
    gives = probe.forward and probe.forward.outputs.get(node.name)
    if node.kind != "Normalization" or not gives or not gives.finite:
        return False
    given = _given(node)
    if given.size not in (1, gives.channel_variance.size):
        return False
    if np.allclose(given, HALF_SQUARED):  # from 0..1 to -1..1
        return False
    variance = gives.channel_variance * given  # of what it takes
    as_deviation = given / np.sqrt(np.maximum(variance, 1e-12))
    near = np.abs(np.log(np.maximum(as_deviation, 1e-12))) < NEAR
    far = np.abs(np.log(np.maximum(gives.channel_variance, 1e-12))) > np.log(FAR)
    return bool(near.all() and far.all())


def _given(node: Node) -> np.ndarray:
    variance: Any = keras.ops.convert_to_numpy(node.layer.variance)
    return np.ravel(variance)


def _deviation(node: Node) -> Finding:
    given = _given(node)
    words = ", ".join(f"{value:.4g}" for value in given[:4])
    size = "large" if given.mean() > 1 else "small"
    return Finding(
        code="RD403",
        label="preprocess_constants",
        severity="warning",
        title=f"{node.name} takes variances, and was given deviations: {words}.",
        evidence={"layer": node.name, "variance": [float(v) for v in given[:4]]},
        why="It divides by the root of what it was given: inputs become that much too "
        f"{size}.",
        cure="give the squares",
        snippet="keras.layers.Normalization(mean=mean, variance=np.square(std))",
        effect="inputs have a deviation of 1",
        confidence=0.85,
    )


def _slip(exact: Sequence[Affine], mean: Numbers, std: Numbers) -> str | None:
    means = np.array([a.mean_near(m) for a, m in zip(exact, mean, strict=True)])
    off = np.abs(means - mean)
    stds = np.array([a.std for a in exact])
    wrong = off > 1
    if wrong.sum() == 1 and (off[~wrong] < SAME).all():
        c = int(wrong.argmax())
        return f"mean {means[c]:.6g} for {mean[c]:g}"
    if (off > SAME).any():
        return None
    unit = np.divide(std, 255)
    for power, what in ((0.5, "roots of deviations"), (2.0, "variances")):
        for found in (255 * unit**power, np.power(std, power)):
            if np.abs(stds / found - 1).max() < 0.02:
                return f"{what} for deviations {std}"
    return None


def _own(name: str, words: str, exact: Sequence[Affine]) -> Finding:
    mean, std = KNOWN[name]
    return Finding(
        code="RD403",
        label="preprocess_constants",
        severity="warning",
        title=f"Preprocessing uses the constants of {name}, but {words}.",
        evidence={
            "mean": [round(a.mean, 3) for a in exact],
            "std": [round(a.std, 3) for a in exact],
        },
        why="One channel is shifted or scaled against the others.",
        cure="correct the constant",
        snippet=f"mean, std = {mean}, {std}",
        effect="channels are alike; weights fit those of others",
        confidence=0.85,
    )


CHECK = Check("preprocessing uses the constants of the weights", run)
