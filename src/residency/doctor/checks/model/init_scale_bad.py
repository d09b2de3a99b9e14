"""RD232: initial weights of a scale that makes signals explode or vanish."""

import math
from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.first_weights import gain_of, is_trained, kernel_of
from residency.doctor.probe import Node, Probe
from residency.doctor.probe.graph import NORMALIZING
from residency.records import Finding

HIGH = 10.0
"""Gain of a kernel; LeCun's, Glorot's and He's stay below 1.5, Keras' "random_normal"
on 10,000 inputs has 5."""
LOW = 0.05
"""Part of the gain that Glorot's initial weights of the same shape have."""
HIGH_WITH_LOSS = 3.0
LOSS = 4.0
"""Loss before the first step, in units of ln(classes), that goes with such a gain."""
SANE = 10.0
"""Largest rms of inputs with which that loss speaks of the weights."""
SHIFTED = 2.0
"""Mean of a kernel in units of its deviation: all units add up the same."""
_LEAST_INPUTS = 16


def find(probe: Probe) -> Sequence[Finding] | None:
    """Measures the kernels that normalisation does not rescale."""
    if not probe.graph.wired:
        return None
    loud = _starts_high(probe)
    found: list[tuple[Node, float, str]] = []
    for node in probe.graph.weighted:
        kernel = kernel_of(node)
        if kernel is None or not node.trainable or not np.any(kernel):
            continue
        if is_trained(node) or _is_rescaled(probe, node):
            continue
        word = _judge(probe, node, kernel, loud)
        if word:
            found.append((node, gain_of(kernel), word))
    return [_finding(probe, found)] if found else []


def _judge(probe: Probe, node: Node, kernel: np.ndarray, loud: bool) -> str:
    gain = gain_of(kernel)
    fan_in, fan_out = math.prod(kernel.shape[:-1]), kernel.shape[-1]
    usual = math.sqrt(2 * fan_in / (fan_in + fan_out))
    mean, spread = abs(float(kernel.mean())), float(kernel.std())
    if spread and mean > SHIFTED * spread and fan_in >= _LEAST_INPUTS:
        return "shifted"
    if gain > HIGH or (loud and gain > HIGH_WITH_LOSS):
        return "large"
    hidden = node.number not in probe.graph.outputs
    return "small" if hidden and gain < LOW * min(1.0, usual) else ""


def _starts_high(probe: Probe) -> bool:
    """Whether the first loss is far above that of knowing nothing, on sane inputs."""
    classes, loss = probe.train.classes, probe.settings.loss
    if probe.gradients is None or classes is None or probe.forward is None:
        return False
    if loss is None or not loss.is_crossentropy:
        return False
    given = [s for s in probe.forward.inputs.values() if s.shape]
    if not given or math.hypot(given[0].mean, given[0].std) > SANE:
        return False
    chance = math.log(max(2, len(np.unique(classes))))
    found = probe.gradients.loss - probe.gradients.penalty
    return not math.isfinite(found) or found > LOSS * chance


def _is_rescaled(probe: Probe, node: Node) -> bool:
    following = probe.graph.after(node)
    return any(after.kind in NORMALIZING for after in following)


def _finding(probe: Probe, found: list[tuple[Node, float, str]]) -> Finding:
    node, gain, word = max(found, key=lambda f: abs(math.log(max(f[1], 1e-30))))
    says = {
        "large": "far too large",
        "small": "far too small",
        "shifted": "almost all of one sign",
    }
    evidence: dict[str, float | str | int] = {
        "layer": node.name,
        "gain": gain,
        "layers": len(found),
    }
    if probe.forward is not None and node.name in probe.forward.outputs:
        evidence["output_std"] = probe.forward.outputs[node.name].std
    if probe.gradients is not None and math.isfinite(probe.gradients.loss):
        evidence["first_loss"] = probe.gradients.loss
    return Finding(
        code="RD232",
        label="init_scale_bad",
        severity="warning",
        title=f"The first weights of {node.name} are {says[word]}: they scale their "
        f"input by {gain:.3g}, where 1 to 1.4 is usual.",
        evidence=evidence,
        why="What one layer scales, the next scales again: outputs saturate or vanish, "
        "and gradients with them.",
        cure="The usual initial weights",
        snippet=f'keras.layers.{node.kind}(..., kernel_initializer="he_normal")',
        effect="The first loss is near ln(classes), and falls from the first step.",
        confidence=0.85,
    )


CHECK = Check("first weights keep the size of the signal", find)
