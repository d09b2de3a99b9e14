"""RD218: dropout takes so much away that little can be learned."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.chain import named
from residency.doctor.probe import Node, Probe
from residency.records import Finding

HIGH = 0.75
"""Published networks reach 0.7 (GoogLeNet's side outputs), hardly any more."""
HALF, MANY = 0.5, 3
"""AlexNet and VGG have two layers of one half; more in a row leave an eighth."""
NOTHING = 0.99
_DROPOUT = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")
_DROPOUT += ("AlphaDropout", "GaussianDropout")


def find(probe: Probe) -> Sequence[Finding] | None:
    """Reads the rates of all dropout layers."""
    rates = [(node, _rate(node)) for node in probe.graph.nodes]
    high = [(node, rate) for node, rate in rates if rate >= HIGH]
    half = [
        (node, rate)
        for node, rate in rates
        if rate >= HALF and node.kind in _DROPOUT and "Spatial" not in node.kind
    ]
    if high:
        node, rate = max(high, key=lambda pair: pair[1])
        return [_high(node, rate, len(high))]
    if len(half) >= MANY:
        return [_many([node for node, _ in half], [rate for _, rate in half])]
    return []


def _rate(node: Node) -> float:
    if node.kind in _DROPOUT:
        return float(node.layer.rate or 0)
    inner = [getattr(node.layer, n, 0) or 0 for n in ("dropout", "recurrent_dropout")]
    return max((float(n) for n in inner if isinstance(n, int | float)), default=0.0)


def _high(node: Node, rate: float, count: int) -> Finding:
    return Finding(
        code="RD218",
        label="dropout_too_high",
        severity="error" if rate >= NOTHING else "warning",
        title=f"{node.name} drops {rate:.0%} of its inputs in training.",
        evidence={"layer": node.name, "rate": rate, "layers_as_high": count},
        why=f"What is kept is scaled by {1 / max(1 - rate, 1e-3):.0f}: the layers "
        "behind see mostly noise, and inference is another network than training.",
        cure="A rate of 0.2 to 0.5",
        snippet="keras.layers.Dropout(0.3)",
        effect="Training loss falls; validation follows it more closely.",
        confidence=0.9,
    )


def _many(nodes: list[Node], rates: list[float]) -> Finding:
    kept = 1.0
    for rate in rates:
        kept *= 1 - rate
    return Finding(
        code="RD218",
        label="dropout_too_high",
        severity="warning",
        title=f"{len(nodes)} layers of dropout with a rate of one half or more: "
        f"{named(nodes)}.",
        evidence={"layers": len(nodes), "highest": max(rates), "kept": round(kept, 4)},
        why=f"Of all paths through them {kept:.0%} are left in a step, and the noise "
        "of each adds to that of the others.",
        cure="One dropout in front of the last layer, lower rates elsewhere",
        snippet="keras.layers.Dropout(0.2)",
        effect="Training loss falls further; underfitting ends.",
        confidence=0.7,
    )


CHECK = Check("dropout leaves enough to learn from", find)
