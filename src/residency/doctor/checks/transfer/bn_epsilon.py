"""RD409: epsilon of batch normalisation is not that of the weights."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.transfer.backbone import find_backbone
from residency.doctor.probe import Probe
from residency.records import Finding

FACTOR = 5.0


def run(probe: Probe) -> Sequence[Finding] | None:
    """Compares epsilon with that of the published network of the same layer names."""
    backbone = find_backbone(probe)
    if backbone is None or not backbone.family.epsilon:
        return []
    expected = backbone.family.epsilon
    norms = [n for n in backbone.nodes if n.kind == "BatchNormalization"]
    norms = [n for n in norms if n.name.endswith("bn")]  # not those of the user's head
    wrong = [n for n in norms if not 1 / FACTOR < n.layer.epsilon / expected < FACTOR]
    if not wrong or len(wrong) < 0.5 * len(norms):
        return []
    seen = float(wrong[0].layer.epsilon)
    return [
        Finding(
            code="RD409",
            label="bn_epsilon",
            severity="advice",
            title=(
                f"Batch normalisation of {backbone.family.words} has epsilon {seen:g}; "
                f"its weights were trained with {expected:g}."
            ),
            evidence={"epsilon": seen, "expected": expected, "layers": len(wrong)},
            why=(
                "Channels of small variance come out at another scale than the next "
                "layer was trained on."
            ),
            cure="build the network with the epsilon of the weights",
            snippet=f"keras.layers.BatchNormalization(epsilon={expected:g})",
            effect="outputs equal those of the published network",
            confidence=0.8,
        )
    ]


CHECK = Check("epsilon is that of the weights", run)
