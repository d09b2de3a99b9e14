"""RD405: too few steps for the moving statistics."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe
from residency.doctor.probe.witness import was_trained
from residency.records import Finding

ENOUGH, HALF = 0.9, 0.5
"""Share of the way that moving statistics go."""
MATTERS = 0.5
"""Misfit that is left, in deviations and factors e of variance."""


def run(probe: Probe) -> Sequence[Finding] | None:
    """Computes `1 - momentum ** steps` for layers that start untrained."""
    nodes = [
        n
        for n in probe.graph.of_kind("BatchNormalization")
        if n.layer.trainable and not was_trained(n)
    ]
    if not nodes:
        return []
    steps = probe.settings.total_steps
    if steps is None:
        return None
    slowest = max(nodes, key=lambda n: n.layer.momentum)
    momentum = float(slowest.layer.momentum)
    share = 1 - momentum**steps
    if share >= ENOUGH:
        return []
    left = _left(probe, nodes, share)
    strong = share < HALF or left > MATTERS
    fitting = max(0.5, round(0.1 ** (1 / max(steps / 3, 1)), 2))
    return [
        Finding(
            code="RD405",
            label="bn_stats_not_converged",
            severity="warning" if strong else "advice",
            title=(
                f"In {steps} steps with momentum {momentum:g} moving statistics go "
                f"{100 * share:.0f} % of the way from their first values."
            ),
            evidence={
                "steps": steps,
                "momentum": momentum,
                "share": share,
                "layers": len(nodes),
                "misfit_left": left,
            },
            why=(
                "Inference uses moving statistics: with the first values still in "
                "them, validation is at chance while training goes well."
            ),
            cure="lower the momentum, or train for more steps",
            snippet=f"keras.layers.BatchNormalization(momentum={fitting:g})",
            effect="validation follows training",
            confidence=0.9 if strong else 0.5,
        )
    ]


def _left(probe: Probe, nodes: Sequence, share: float) -> float:
    """Returns the median misfit that first values (0 and 1) leave."""
    found = []
    for node in nodes:
        signal = probe.forward.inputs.get(node.name) if probe.forward else None
        if signal is None or not signal.finite:
            continue
        held = share * signal.channel_variance + (1 - share) + 1e-3
        shift = (1 - share) * np.abs(signal.channel_mean) / np.sqrt(held)
        spread = np.abs(np.log((signal.channel_variance + 1e-3) / held))
        found.append(float(shift.mean() + 0.5 * np.median(spread)))
    return float(np.median(found)) if found else 0.0


CHECK = Check("moving statistics get enough steps", run)
