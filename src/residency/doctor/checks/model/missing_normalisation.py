"""RD214: a deep network without normalisation loses its signal, or blows it up."""

import math
from collections.abc import Mapping, Sequence

from residency.doctor.checks.check import Check
from residency.doctor.probe import Node, Probe, Signal
from residency.doctor.probe.graph import NORMALIZING
from residency.records import Finding

DEEP = 8
"""Hidden layers with weights; below, initial weights of any usual scale carry it."""
LOST = 5e-4
"""Size of the signal, last hidden against first, that is lost; its inverse explodes.
VGG16 with Glorot's initial weights, which trains with care, keeps 3e-3."""
_MERGING = (
    "Add",
    "Concatenate",
    "Multiply",
    "Average",
    "Maximum",
    "MultiHeadAttention",
)
_NORMALIZING = (*NORMALIZING, "UnitNormalization", "RMSNormalization")
_SELF_NORMALIZING = ("selu",)


def find(probe: Probe) -> Sequence[Finding] | None:
    """Follows the differences between images through a plain network."""
    if probe.forward is None or not probe.graph.wired:
        return None
    graph, outputs = probe.graph, probe.forward.outputs
    if graph.of_kind(*_NORMALIZING, *_MERGING):
        return []
    hidden = [n for n in graph.weighted if n.number not in graph.outputs]
    hidden = [n for n in hidden if n.name in outputs and n.kind != "LSTM"]
    if len(hidden) < DEEP or any(n.activation in _SELF_NORMALIZING for n in hidden):
        return []
    start, end = outputs[hidden[0].name], outputs[hidden[-1].name]
    if not start.finite or start.std == 0 or start.between == 0:
        return None
    size = end.std / start.std
    apart = end.between / start.between
    ratio = min(size, apart) if size < 1 else size
    if not math.isfinite(ratio) or ratio > 1 / LOST:
        return [_finding(hidden, ratio, outputs, "grows")]
    if ratio < LOST:
        return [_finding(hidden, ratio, outputs, "shrinks")]
    return []


def _finding(
    hidden: list[Node], ratio: float, outputs: Mapping[str, Signal], how: str
) -> Finding:
    where = next(
        (n for n in hidden if _far(outputs[n.name].std, outputs[hidden[0].name].std)),
        hidden[-1],
    )
    return Finding(
        code="RD214",
        label="missing_normalisation",
        severity="warning",
        title=f"The signal {how} to {ratio:.0e} of its size over {len(hidden)} layers "
        "without normalisation.",
        evidence={
            "layers": len(hidden),
            "ratio": ratio,
            "first_std": outputs[hidden[0].name].std,
            "last_std": outputs[hidden[-1].name].std,
            "halfway_lost_at": where.name,
        },
        why="Images look alike to the last layers, and gradients shrink or grow by the "
        "same factor: training stays at chance, or jumps.",
        cure="BatchNormalization after each layer, or He's initial weights with relu",
        snippet="keras.layers.Conv2D(filters, 3, use_bias=False)\n"
        "keras.layers.BatchNormalization()\nkeras.layers.ReLU()",
        effect="The loss leaves ln(classes) in the first steps.",
        confidence=0.85,
    )


def _far(one: float, other: float) -> bool:
    ratio = one / other if other else math.inf
    return not LOST**0.5 < ratio < LOST**-0.5


CHECK = Check("the signal reaches the last layer", find)
