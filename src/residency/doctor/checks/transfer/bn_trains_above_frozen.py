"""RD408: batch normalisation trains above frozen layers."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.transfer.backbone import find_backbone
from residency.doctor.probe import Probe
from residency.doctor.probe.graph import WEIGHTED
from residency.records import Finding


def run(probe: Probe) -> Sequence[Finding] | None:
    """Looks for a pretrained network that is frozen in part only."""
    backbone = find_backbone(probe)
    if backbone is None:
        return []
    norms = [n for n in backbone.nodes if n.kind == "BatchNormalization"]
    trained = [n for n in norms if n.layer.trainable]
    frozen = [n for n in backbone.nodes if n.kind in WEIGHTED and not n.layer.trainable]
    if not trained or not frozen:
        return []
    return [
        Finding(
            code="RD408",
            label="bn_trains_above_frozen",
            severity="advice",
            title=(
                f"{len(trained)} batch normalisations of the pretrained "
                f"{backbone.family.words} train, while {len(frozen)} layers are frozen."
            ),
            evidence={"training": len(trained), "frozen_layers": len(frozen)},
            why=(
                "In training they use statistics of small batches, in inference moving "
                "ones that drift: the two modes give different features."
            ),
            cure="keep batch normalisation frozen while fine-tuning",
            snippet=(
                "for layer in base.layers:\n"
                "    if isinstance(layer, keras.layers.BatchNormalization):\n"
                "        layer.trainable = False"
            ),
            effect="training and validation see the same features",
            confidence=0.6,
        )
    ]


CHECK = Check("batch normalisation is frozen where its network is", run)
