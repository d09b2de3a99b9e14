"""RD227: a layer of the model moves half of the picture out of the frame."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.chain import named
from residency.doctor.probe import Node, Probe
from residency.records import Finding

HALF = 0.5


def find(probe: Probe) -> Sequence[Finding] | None:
    """Reads the ranges of `RandomTranslation`."""
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


def _farthest(node: Node) -> float:
    settings = node.layer.get_config()
    factors = (settings["height_factor"], settings["width_factor"])
    return max(float(np.max(np.abs(factor))) for factor in factors)


CHECK = Check("random shifts leave the picture in the frame", find)
