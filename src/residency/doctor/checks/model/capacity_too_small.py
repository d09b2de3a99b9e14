"""RD224: a layer so narrow that the classes hardly pass through it."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.head import read_head
from residency.doctor.checks.model.targets import read_targets
from residency.doctor.probe import Probe
from residency.records import Finding

MOST_CLASSES = 3
"""So few classes pass through any layer of three units."""


def find(probe: Probe) -> Sequence[Finding] | None:
    """Compares the narrowest hidden Dense layer with the number of classes."""
    head = read_head(probe)
    targets = read_targets(probe, head)
    if targets is None:
        return None
    classes = targets.exclusive_classes
    hidden = [
        node
        for node in probe.graph.of_kind("Dense")
        if node.number not in probe.graph.outputs and not node.inside
    ]
    if classes < MOST_CLASSES or not hidden:
        return []
    node = min(hidden, key=lambda n: n.layer.units)
    if node.layer.units >= min(classes - 1, 16):
        return []
    return [
        Finding(
            code="RD224",
            label="capacity_too_small",
            severity="advice",
            title=f"{node.name} has {node.layer.units} units for {classes} classes.",
            evidence={
                "layer": node.name,
                "units": int(node.layer.units),
                "classes": classes,
            },
            why=f"{classes} classes want {classes - 1} directions to lie apart in.",
            cure="A wider layer",
            snippet=f'keras.layers.Dense({4 * classes}, activation="relu")',
            effect="Training accuracy rises, if width was what it lacked.",
            confidence=0.5,
        )
    ]


CHECK = Check("no layer is too narrow for the classes", find)
