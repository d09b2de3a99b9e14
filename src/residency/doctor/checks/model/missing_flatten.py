"""RD219: the output still has places, while labels are one for each image."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.head import read_head
from residency.doctor.checks.model.targets import read_targets
from residency.doctor.probe import Probe
from residency.records import Finding


def find(probe: Probe) -> Sequence[Finding] | None:
    """Compares the axes of the output with those of the labels."""
    head = read_head(probe)
    targets = read_targets(probe, head)
    if head is None or targets is None:
        return None
    axes = [n for n in head.shape[:-1] if n > 1]
    if targets.kind == "maps" or not axes or len(targets.shape) > 1:
        return []
    if targets.shape == head.shape:
        return []
    shape = "x".join(str(n) for n in head.shape)
    return [
        Finding(
            code="RD219",
            label="missing_flatten",
            severity="error",
            title=f"The output has the shape {shape} for each sample, the labels "
            f"{targets.width} number(s): its places were never pooled.",
            evidence={
                "output_shape": str(head.shape),
                "label_shape": str(targets.shape),
                "raised": probe.raised.get("gradients", "")[:160],
            },
            why="Dense works on the last axis alone: each place of the map gets its "
            "own prediction, and the loss cannot be formed or averages them.",
            cure="Pool or flatten in front of the first Dense",
            snippet="keras.layers.GlobalAveragePooling2D()",
            effect="One prediction for each sample; training starts.",
        )
    ]


CHECK = Check("the output is one prediction for each label", find)
