"""RD212: an activation on top of another, or one that throws information away."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.chain import (
    ACTIVATING,
    LINEAR,
    PASSING,
    POOLING,
    RECURRENT,
    before,
)
from residency.doctor.probe import Graph, Node, Probe
from residency.doctor.probe.graph import WEIGHTED
from residency.records import Finding

_RECTIFIERS = ("relu", "relu6")


def find(probe: Probe) -> Sequence[Finding] | None:
    """Looks for pairs of activations, and for softmax in front of weights."""
    graph = probe.graph
    if not graph.wired:
        return None
    found = []
    for node in graph.nodes:
        if node.kind in ACTIVATING and node.activation != "linear":
            found += _second(graph, node)
        elif node.kind in WEIGHTED:
            found += _softmax_inside(graph, node)
    order = ("warning", "advice")
    return sorted(found, key=lambda f: order.index(f.severity))[:1]


def _second(graph: Graph, node: Node) -> list[Finding]:
    through = (*PASSING, *POOLING) if node.activation == "softmax" else PASSING
    first = before(graph, node, through)
    if first is None or first.kind not in (*WEIGHTED, *ACTIVATING):
        return []
    if first.activation in (None, "linear") or first.kind in RECURRENT:
        return []
    pair = f"{first.activation} ({first.name}), then {node.activation} ({node.name})"
    if first.activation in _RECTIFIERS and node.activation in _RECTIFIERS:
        return [
            _finding(
                "advice",
                f"{pair}: the second changes nothing.",
                first,
                node,
                "A rectifier of a rectifier is the same; perhaps another layer was "
                "meant between them.",
                "Remove one of the two",
                0.9,
            )
        ]
    if node.activation == "softmax" and first.activation != "softmax":
        why = (
            f"{first.activation} cuts off or bounds the scores, so that evidence "
            "against a class cannot be said, and its units can die."
        )
    else:
        why = "The second bounds what the first has bounded already: gradients shrink."
    return [
        _finding(
            "warning",
            f"{pair}, without weights between them.",
            first,
            node,
            why,
            f"No activation in {first.name}",
            0.8,
        )
    ]


def _softmax_inside(graph: Graph, node: Node) -> list[Finding]:
    first = before(graph, node, LINEAR)
    if first is None or first.activation != "softmax" or first.inside != node.inside:
        return []
    if first.kind not in (*WEIGHTED, *ACTIVATING):
        return []
    return [
        _finding(
            "warning",
            f"softmax ({first.name}) inside the network, in front of {node.name}.",
            first,
            node,
            "Its outputs share 1: they become small, and say no more than shares.",
            f"relu in {first.name}",
            0.8,
        )
    ]


def _finding(
    severity: str,
    title: str,
    first: Node,
    second: Node,
    why: str,
    cure: str,
    confidence: float,
) -> Finding:
    return Finding(
        code="RD212",
        label="redundant_activation",
        severity=severity,
        title=title,
        evidence={
            "first": f"{first.name}: {first.activation}",
            "second": f"{second.name}: {second.activation}",
        },
        why=why,
        cure=cure,
        snippet=f"keras.layers.{first.kind}(...)  # {first.name}, no activation"
        if first.kind in WEIGHTED
        else f"# remove {second.name}",
        effect="Scores of both signs reach the output; gradients stay larger.",
        confidence=confidence,
    )


CHECK = Check("no activation stands on another", find)
