"""RD402: red and blue are exchanged."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.transfer.arrival import judge_arrival
from residency.doctor.probe import Probe
from residency.records import Finding

SIDE = 8
"""Shortest side of a square picture."""


def run(probe: Probe) -> Sequence[Finding] | None:
    """Reads the order off the axes, the subtracted means, the colours of photos."""
    axes = _axes(probe)
    if axes is not None:
        return [axes]
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


def _axes(probe: Probe) -> Finding | None:
    """Channels where the first convolution has a side, or the reverse."""
    node = next((n for n in probe.graph.entrances if n.kind == "Conv2D"), None)
    values = None if node is None or probe.forward is None else probe.forward.entrances
    x = None if values is None or node is None else values.get(node.name)
    if x is None or node is None or x.ndim != 4:
        return None
    _, a, b, c = x.shape
    last = node.layer.data_format == "channels_last"
    sides, channels = ((b, c), a) if last else ((a, b), c)
    if channels not in (1, 3) or sides[0] != sides[1] or sides[0] < SIDE:
        return None
    wanted = "last" if last else "first"
    return Finding(
        code="RD402",
        label="channel_order",
        severity="warning",
        title=(
            f"Layer {node.name!r} takes channels {wanted}, but receives pictures of "
            f"shape ({a}, {b}, {c})."
        ),
        evidence={"layer": node.name, "shape": [a, b, c], "data_format": wanted},
        why="A side of the picture is taken for its colours, and neighbours are lost.",
        cure="move the axis of the channels",
        snippet=f"x = np.moveaxis(x, {'1, -1' if last else '-1, 1'})",
        effect="convolutions slide over the picture",
        confidence=0.9,
    )


CHECK = Check("channels come in the order of the weights", run)
