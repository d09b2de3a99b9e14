"""RD101: inputs reach the first weights far from unit scale."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.checks.transfer.backbone import find_backbone
from residency.doctor.probe import Node, Probe, Signal
from residency.doctor.probe.graph import NORMALIZING, WEIGHTED
from residency.records import Finding

LARGE = 10.0
"""Root mean square from which gradients of the first kernel drown all others: initial
kernels assume 1, and the loss bends with the square."""
LARGISH = 4.0
SMALL = 0.05
"""Largest value under which a second division by 255 is likelier than dark inputs."""


def run(probe: Probe) -> Sequence[Finding] | None:
    """Looks at what the first layers with a kernel receive."""
    if probe.forward is None:
        return None
    if find_backbone(probe) is not None:
        return []  # what pretrained weights expect is another question
    entrances = [n for n in probe.graph.entrances if n.kind in WEIGHTED]
    found = []
    for node in entrances:
        signal = probe.forward.inputs.get(node.name)
        if signal is None or not signal.finite:
            continue
        finding = _judge(probe, node, signal)
        if finding is not None:
            found.append(finding)
    return found[:1]


def _judge(probe: Probe, node: Node, signal: Signal) -> Finding | None:
    rms = float(np.hypot(signal.mean, signal.std))
    if signal.std == 0 or _normalised_before(probe, node):
        return None
    if rms > LARGISH:
        strong = rms > LARGE and not _normalised_after(probe, node)
        return _finding(
            node, signal, rms, "warning" if strong else "advice", large=True
        )
    if signal.max_abs < SMALL:
        mild = _normalised_after(probe, node)
        return _finding(node, signal, rms, "advice" if mild else "warning", large=False)
    return None


def _normalised_before(probe: Probe, node: Node) -> bool:
    return any(n.kind in NORMALIZING for n in probe.graph.ancestors(node))


def _normalised_after(probe: Probe, node: Node) -> bool:
    """Whether a normalisation follows before the next kernel."""
    if not probe.graph.wired:
        rest = probe.graph.nodes[node.number + 1 : node.number + 3]
        return any(n.kind in NORMALIZING for n in rest)
    waiting = list(probe.graph.after(node))
    while waiting:
        each = waiting.pop(0)
        if each.kind in NORMALIZING:
            return True
        if each.kind not in WEIGHTED:
            waiting += probe.graph.after(each)
    return False


def _finding(
    node: Node, signal: Signal, rms: float, severity: str, *, large: bool
) -> Finding:
    factor = "1/255" if 20 < signal.max_abs <= 255.5 else "1/deviation"
    pictures = len(node.shape) == 4
    cure = (
        "scale the inputs to about unit deviation"
        if large
        else "scale the inputs once, not twice"
    )
    snippet = (
        "x = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)"
        if large and pictures and signal.max_abs <= 255.5
        else "norm = keras.layers.Normalization()\nnorm.adapt(x)\nx = norm(inputs)"
    )
    size = "large" if large else "small"
    return Finding(
        code="RD101",
        label="input_not_normalised",
        severity=severity,
        title=(
            f"Layer {node.name!r} receives values up to {signal.max_abs:.4g} (root "
            f"mean square {rms:.3g}); initial weights assume about 1."
        ),
        evidence={
            "layer": node.name,
            "rms": rms,
            "mean": signal.mean,
            "std": signal.std,
            "max_abs": signal.max_abs,
            "missing_factor": factor if large else "none, one too many",
        },
        why=(
            f"With inputs this {size} the first layer's outputs and gradients are "
            f"{'out of proportion' if large else 'lost in its bias'}, and no single "
            "learning rate suits all layers."
        ),
        cure=cure,
        snippet=snippet,
        effect="training becomes stable and faster at usual learning rates",
        confidence=0.95 if severity == "warning" else 0.6,
    )


CHECK = Check("inputs reach the first weights at about unit scale", run)
