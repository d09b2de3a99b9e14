"""RD311: another optimizer is the usual choice."""

from collections.abc import Sequence

from residency.doctor.probe import Probe
from residency.records import Finding

RARE = {
    "Adadelta": "its default rate of 0.001 hardly moves a weight",
    "Adagrad": "its steps shrink for ever, whatever the loss does",
    "Ftrl": "it is made for sparse linear models",
}
DEEP = 4
"""Layers with kernels from which plain gradient descent is slow."""


def check(probe: Probe) -> Sequence[Finding] | None:
    """Names optimizers that image classifiers are seldom trained with."""
    optimizer = probe.settings.optimizer
    if optimizer is None:
        return None
    kind = type(optimizer).__name__
    momentum = float(getattr(optimizer, "momentum", 0.0) or 0.0)
    trained = [node for node in probe.graph.weighted if node.trainable]
    if kind in RARE:
        return [_finding(kind, RARE[kind])]
    if kind == "SGD" and momentum == 0 and len(trained) >= DEEP:
        return [_finding("SGD without momentum", "it is slow in deep networks")]
    return []


def _finding(kind: str, reason: str) -> Finding:
    return Finding(
        code="RD311",
        label="optimizer_choice",
        severity="advice",
        title=f"{kind}: {reason}.",
        evidence={"optimizer": kind},
        why="Published figures of image classifiers are of SGD with momentum or of "
        "AdamW; rates and schedules that are known are known for these.",
        cure="SGD with momentum, or AdamW.",
        snippet="keras.optimizers.SGD(learning_rate=0.1, momentum=0.9, nesterov=True)",
        effect="Faster training; comparable with others' figures.",
        confidence=0.5,
    )
