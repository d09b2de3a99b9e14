"""RD227: a random layer of the model leaves little of the picture."""

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


def find(probe: Probe) -> Sequence[Finding] | None:
    """Reads the ranges of shifts; compares what random layers give in both modes."""
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
        gives = probe.forward.training_outputs.get(node.name)
        takes = probe.forward.outputs.get(node.name)  # in inference it does nothing
        random = node.kind.startswith("Random") or node.kind == "GaussianNoise"
        if not random or gives is None or takes is None or not takes.std:
            continue
        times = gives.std / takes.std
        if times < TIMES and gives.max_abs > LITTLE * takes.max_abs:
            continue
        yield Finding(
            code="RD227",
            label="augmentation_too_strong",
            severity="warning",
            title=f"{named([node])}: takes numbers up to {takes.max_abs:.3g} of "
            f"deviation {takes.std:.3g}; in training it gives numbers up to "
            f"{gives.max_abs:.3g} of deviation {gives.std:.3g}.",
            evidence={"times": times, "takes": takes.max_abs, "gives": gives.max_abs},
            why="It was meant for pixels of another scale: little is left of a picture "
            "in training, while validation pictures are whole.",
            cure="Tell it the range of the pixels, or its size on their scale",
            snippet=_on_scale(node, takes.max_abs),
            effect="Training accuracy rises, and validation with it.",
            confidence=0.95,
        )


def _on_scale(node: Node, largest: float) -> str:
    if not hasattr(node.layer, "value_range"):
        return f"keras.layers.{node.kind}({0.05 * largest:.2g})"
    top = 1 if largest <= 2 else 255
    return f"keras.layers.{node.kind}(..., value_range=(0, {top}))"


def _farthest(node: Node) -> float:
    settings = node.layer.get_config()
    factors = (settings["height_factor"], settings["width_factor"])
    return max(float(np.max(np.abs(factor))) for factor in factors)


CHECK = Check("random layers leave enough of the picture", find)
