"""RD213: saturating activations leave the first layers without gradient."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.probe import Gradient, Graph, Node, Probe
from residency.doctor.probe.graph import NORMALIZING
from residency.records import Finding

RATIO = 1e-3
"""First against last gradient, at which AutoTrainer (ICSE 2021) speaks of vanishing."""
SMALL = 1e-4
"""Largest gradient of the first layer that is called vanished; the same source."""
DEEP = 4
"""Saturating layers; each takes a factor of 4 with sigmoid, so fewer cannot do it."""
SATURATING = ("sigmoid", "tanh", "softsign", "hard_sigmoid", "softmax")


def find(probe: Probe) -> Sequence[Finding] | None:
    """Compares the gradients of the first and of the last kernels."""
    if probe.gradients is None:
        return None
    hidden = [
        node
        for node in probe.graph.nodes
        if node.number not in probe.graph.outputs
        and node.activation in SATURATING
        and not _is_gate(probe.graph, node)
    ]
    if len(hidden) < DEEP:
        return []
    kernels = [g for g in probe.gradients.by_path.values() if _is_kernel(g)]
    if len(kernels) < DEEP or not all(g.finite for g in kernels):
        return None
    first, last = kernels[0], kernels[-1]
    if last.rms == 0 or first.rms > SMALL or first.rms > RATIO * last.rms:
        return []
    ratio = first.rms / last.rms
    name = str(hidden[0].activation)
    normalised = bool(probe.graph.of_kind(*NORMALIZING))
    return [
        Finding(
            code="RD213",
            label="vanishing_gradient",
            severity="warning",
            title=f"The gradient of {first.layer} is {ratio:.0e} of that of "
            f"{last.layer}: {len(hidden)} layers of {name} lie between.",
            evidence={
                "first_layer": first.layer,
                "first_gradient_rms": first.rms,
                "last_layer": last.layer,
                "last_gradient_rms": last.rms,
                "ratio": ratio,
                "saturating_layers": len(hidden),
                "normalised": normalised,
            },
            why=f"The slope of {name} is "
            + ("a quarter at most" if "sigmoid" in name else "below 1")
            + ", and slopes multiply: the first layers hardly move.",
            cure="relu with He's initial weights, or normalisation between layers",
            snippet="keras.layers.Dense(units, activation='relu', "
            "kernel_initializer='he_normal')",
            effect="All layers learn at a like pace.",
            confidence=0.9,
        )
    ]


def _is_gate(graph: Graph, node: Node) -> bool:
    """Whether it only scales what flows past it, as in squeeze and excitation."""
    return any(after.kind in ("Multiply", "Reshape") for after in graph.after(node))


def _is_kernel(gradient: Gradient) -> bool:
    return gradient.name == "kernel" and len(gradient.shape) >= 2


CHECK = Check("gradients reach the first layers", find)
