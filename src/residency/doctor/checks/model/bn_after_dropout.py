"""RD223: batch normalisation learns statistics that only hold with dropout on."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.chain import LINEAR, before, named
from residency.doctor.probe import Probe
from residency.doctor.probe.graph import WEIGHTED
from residency.records import Finding

_KINDS = tuple(k for k in LINEAR if k not in ("BatchNormalization", "Dropout"))


def find(probe: Probe) -> Sequence[Finding] | None:
    """Looks for dropout before normalisation, with at most one product between."""
    graph = probe.graph
    if not graph.wired:
        return None
    found = []
    for node in graph.of_kind("BatchNormalization"):
        dropout = before(graph, node, _KINDS)
        if dropout is not None and dropout.kind in WEIGHTED:
            dropout = before(graph, dropout, _KINDS)
        if dropout is not None and dropout.kind == "Dropout" and dropout.layer.rate:
            found.append((dropout, node))
    if not found:
        return []
    return [
        Finding(
            code="RD223",
            label="bn_after_dropout",
            severity="advice",
            title=f"Dropout in front of normalisation: {named([d for d, _ in found])}.",
            evidence={
                "pairs": len(found),
                "rate": float(found[0][0].layer.rate),
                "normalisation": found[0][1].name,
            },
            why="Dropout makes the variance larger in training only; the moving "
            "variance is then too large in inference (Li et al., 2018, "
            "https://arxiv.org/abs/1801.05134).",
            cure="Dropout behind the last normalisation",
            snippet="keras.layers.BatchNormalization()\nkeras.layers.ReLU()\n"
            "keras.layers.Dropout(0.3)",
            effect="Inference agrees with training; often some tenths of a point.",
            confidence=0.6,
        )
    ]


CHECK = Check("no dropout stands in front of batch normalisation", find)
