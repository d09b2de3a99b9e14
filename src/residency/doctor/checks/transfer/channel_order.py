"""RD402: red and blue are exchanged."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.transfer.arrival import judge_arrival
from residency.doctor.probe import Probe
from residency.records import Finding


def run(probe: Probe) -> Sequence[Finding] | None:
    """Reads the order off the subtracted means, then off the colours of photos."""
    arrival = judge_arrival(probe)
    if arrival is None:
        return None
    if arrival.kind != "order":
        return []
    backbone = arrival.backbone
    return [
        Finding(
            code="RD402",
            label="channel_order",
            severity=arrival.severity,
            title=(
                f"Red and blue are exchanged for the {backbone.family.words} weights: "
                f"{arrival.words}."
            ),
            evidence={"layer": backbone.entrance.name, **arrival.evidence},
            why="Filters for colours answer to the wrong ones, at every layer above.",
            cure="exchange the first and last channel before the means are subtracted",
            snippet="pixels = pixels[..., ::-1]  # RGB <-> BGR",
            effect="features are as good as the weights allow",
            confidence=arrival.confidence,
        )
    ]


CHECK = Check("channels come in the order of the weights", run)
