"""RD215: rectifiers that are zero for every image."""

import math
from collections.abc import Mapping, Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.chain import ACTIVATING, PASSING, is_gate, source
from residency.doctor.checks.model.first_weights import trained_before
from residency.doctor.probe import Node, Probe, Signal
from residency.records import Finding

MANY = 0.75
"""Share of dead units. Fresh weights have no sign: a unit is dead for all images with a
chance of one half at most, that of images which all look alike."""
SIGMAS = 4.0
"""So many deviations above one half, for the number of units there are."""
_RECTIFIERS = ("relu", "relu6")


def find(probe: Probe) -> Sequence[Finding] | None:
    """Counts, layer by layer, the units that never fire; before and after steps."""
    if probe.forward is None:
        return None
    nodes = _rectifiers(probe)
    nodes = [node for node in nodes if not _waits(probe, node)]
    sick = _sick(nodes, probe.forward.outputs)
    if sick:
        return [_finding(probe, sick, probe.forward.outputs)]
    later = None if probe.trials is None else probe.trials.as_set
    if later is None:
        return []
    sick = _sick(nodes, later.outputs)
    return [_later(sick, later.outputs, len(later.losses))] if sick else []


def _rectifiers(probe: Probe) -> list[Node]:
    """Those that training can move; frozen features fire on other images."""
    graph, found = probe.graph, []
    for node in graph.nodes:
        if node.activation not in _RECTIFIERS or node.number in graph.outputs:
            continue
        near = [node, *([] if not graph.wired else list(graph.ancestors(node))[:3])]
        if any(other.trainable for other in near):
            found.append(node)
    return found


def _waits(probe: Probe, node: Node) -> bool:
    """Tells whether it belongs to a gate that gets zeros, as behind a gamma of zeros.

    What the gate multiplies moves gamma at the first step. Anything else that gets
    zeros stays as it is.
    """
    weighing = source(probe.graph, node, (*PASSING, *ACTIVATING))
    if weighing is None or probe.forward is None or not probe.graph.wired:
        return False
    given = probe.forward.inputs.get(weighing.name)
    zeros = given is not None and given.max_abs == 0
    return zeros and is_gate(probe.graph, node)


def _sick(nodes: list[Node], outputs: Mapping[str, Signal]) -> list[Node]:
    return [n for n in nodes if n.name in outputs and _is_sick(outputs[n.name])]


def _is_sick(signal: Signal) -> bool:
    count, share = len(signal.dead), float(signal.dead.mean())
    chance = 0.5 + SIGMAS * math.sqrt(0.25 / count)
    return signal.finite and (share >= max(MANY, chance) or (share == 1 and count > 4))


def _finding(probe: Probe, sick: list[Node], outputs: Mapping[str, Signal]) -> Finding:
    worst = max(sick, key=lambda n: float(outputs[n.name].dead.mean()))
    share = float(outputs[worst.name].dead.mean())
    given = probe.forward.inputs.get(worst.name) if probe.forward else None
    through = share == 1 and not probe.graph.of_kind("Add", "Concatenate")
    severity = "error" if through else "warning"
    if trained_before(probe):
        severity = "advice"  # units that fired in training miss their inputs
    return Finding(
        code="RD215",
        label="dead_relu",
        severity=severity,
        title=f"{share:.0%} of the units of {worst.name} are 0 for every image"
        + (f", and {len(sick) - 1} more layers are alike." if len(sick) > 1 else "."),
        evidence={
            "layer": worst.name,
            "dead_share": round(share, 4),
            "units": len(outputs[worst.name].dead),
            "sick_layers": len(sick),
        }
        | ({} if given is None else {"input_mean": given.mean}),
        why="A unit that is 0 for all inputs has no gradient and never comes back.",
        cure="Smaller or centred inputs, He's initial weights, no negative biases, "
        "LeakyReLU",
        snippet="keras.layers.Dense(units, kernel_initializer='he_normal')\n"
        "keras.layers.LeakyReLU(0.1)",
        effect="Most units fire for some images, and learn.",
        confidence=0.9,
    )


def _later(sick: list[Node], outputs: Mapping[str, Signal], steps: int) -> Finding:
    worst = max(sick, key=lambda n: float(outputs[n.name].dead.mean()))
    share = float(outputs[worst.name].dead.mean())
    return Finding(
        code="RD215",
        label="dead_relu",
        severity="advice",
        title=f"After {steps} steps {share:.0%} of the units of {worst.name} are 0 for "
        "every image; at the start they were not.",
        evidence={
            "layer": worst.name,
            "dead_share": round(share, 4),
            "units": len(outputs[worst.name].dead),
            "steps": steps,
        },
        why="A step that was too large pushed them where they have no gradient.",
        cure="A lower rate, warmup, or LeakyReLU",
        snippet="model.optimizer.learning_rate = model.optimizer.learning_rate / 10",
        effect="Units stay alive through the first steps.",
        confidence=0.6,
    )


CHECK = Check("rectifiers fire for some images", find)
