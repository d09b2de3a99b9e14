"""RD221: weights whose gradient is exactly zero although what they make is alive."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.chain import (
    ACTIVATING,
    PASSING,
    POOLING,
    named,
)
from residency.doctor.checks.model.head import CROSSENTROPIES
from residency.doctor.probe import Forward, Gradient, Graph, Node, Probe
from residency.doctor.probe.graph import NORMALIZING
from residency.records import Finding

PART = 0.25
"""Share of the channels of a layer from which on a loss is no accident."""
LEAST = 2
ROWS = 16
"""Images from which on dropout does not take a channel from all of them."""
UNDERFLOW = 1e-20
"""A gradient so small that those before it may be rounded to zero."""
SETTLED = 0.1
"""Share of images whose score is all or nothing, from which on nothing is said: where
such a score is right its gradient is zero, in all that only those images reach."""
AT_END = 1e-5
"""Distance from 0 and 1 under which tanh and sigmoid let no gradient through."""
_PRODUCTS = ("kernel", "gamma", "pointwise_kernel", "recurrent_kernel")
_BY_CHANNEL = (*ACTIVATING, *NORMALIZING, *POOLING, "Add", "DepthwiseConv2D")
_BY_CHANNEL += tuple(k for k in PASSING if k not in ("Flatten", "Reshape", "Permute"))
_BY_CHANNEL += ("MaxPooling1D", "MaxPooling2D", "GlobalMaxPooling1D")
_BY_CHANNEL += ("GlobalMaxPooling2D", "UpSampling2D")
_MIXING = ("Concatenate", "Multiply", "Maximum", "Minimum", "Average", "Flatten")
_RECTIFIERS = ("relu", "relu6")


def find(probe: Probe) -> Sequence[Finding] | None:
    """Compares gradients with what is alive between them and the output."""
    graph, forward, gradients = probe.graph, probe.forward, probe.gradients
    if gradients is None or forward is None or not graph.wired:
        return None
    products = {path: g for path, g in gradients.by_path.items() if g.name in _PRODUCTS}
    sizes = [g.rms for g in products.values()]
    moving = [size for size in sizes if size > 0]
    if not moving or not np.isfinite(sizes).all() or min(moving) < UNDERFLOW:
        return None
    if _drops(probe) and len(forward.scores) < ROWS:
        return None
    if _settled(probe, forward.scores) > SETTLED:
        return None
    nodes = {node.name: node for node in graph.nodes}
    open_to_loss = _open(graph, forward, products)
    lost: dict[str, tuple[Node, int, int]] = {}
    for gradient in products.values():
        node = nodes.get(gradient.layer)
        if node is None or node.number not in open_to_loss or node.kind in _SKIPPED:
            continue
        count = _lost(graph, forward, node, gradient)
        channels = len(gradient.zero_outputs)
        if count >= max(LEAST, PART * channels):
            lost.setdefault(node.name, (node, count, channels))
    if not lost:
        return [_forgotten(name) for name in _first_steps(products)[:1]]
    return [_finding(list(lost.values()), nodes)]


def _first_steps(products: Mapping[str, Gradient]) -> list[str]:
    """Returns the recurrent layers whose inputs count and whose state never does."""
    sizes = {(g.layer, g.name): g.rms for g in products.values()}
    return [
        layer
        for (layer, name), size in sizes.items()
        if name == "recurrent_kernel" and not size and sizes.get((layer, "kernel"), 0)
    ]


def _forgotten(layer: str) -> Finding:
    return Finding(
        code="RD221",
        label="disconnected_weights",
        severity="warning",
        title=f"The recurrent kernel of {layer} gets a gradient of exactly 0, its "
        "kernel does not: only the first step of the sequence is used.",
        evidence={"layer": layer},
        why="What later steps add to the state never reaches the loss: a slice takes "
        "the first step, or the sequence has one step only.",
        cure="Use the last state, or all steps",
        snippet="keras.layers.LSTM(units)  # gives the last state\n"
        "keras.layers.GlobalAveragePooling1D()(sequence)  # all steps",
        effect="The layer reads the whole sequence.",
        confidence=0.9,
    )


_SKIPPED = ("DepthwiseConv2D", "Embedding", "Normalization")


def _settled(probe: Probe, scores: np.ndarray) -> float:
    """Returns the share of images with nothing but probabilities of 0 or 1.

    A cross-entropy takes scores beyond 0 and 1 for these.
    """
    ends = {probe.graph.nodes[number].activation for number in probe.graph.outputs}
    loss = probe.settings.loss
    clipped = loss and loss.name in CROSSENTROPIES and not loss.from_logits
    if not clipped and not ends <= {"softmax", "sigmoid"}:
        return 0.0
    rows = scores.reshape(len(scores), -1)
    return float((np.minimum(rows, 1 - rows) < 1e-6).all(axis=1).mean())


def _drops(probe: Probe) -> bool:
    return any("Drop" in type(node.layer).__name__ for node in probe.graph.nodes)


def _open(graph: Graph, forward: Forward, products: Mapping[str, Gradient]) -> set[int]:
    """Returns the nodes from which a gradient could come back, zeros in mind.

    A kernel of zeros, as residual branches may start with, and a layer that is dead
    for all images let no gradient through.
    """
    zero = {g.layer for g in products.values() if g.weight_rms == 0}
    zero |= {
        n.name
        for n in graph.nodes
        if n.activation in _RECTIFIERS
        and n.name in forward.outputs
        and forward.outputs[n.name].dead.all()
    }
    zero |= {n.name for n in graph.nodes if _has_zero_product(n)}
    zero |= {n.name for n in graph.nodes if _saturated(n, forward).all()}
    seen: set[int] = set()
    waiting = list(graph.outputs)
    while waiting:
        number = waiting.pop()
        if number in seen:
            continue
        seen.add(number)
        if graph.nodes[number].name not in zero:
            waiting += graph.nodes[number].inputs
    return seen


def _saturated(node: Node, forward: Forward) -> np.ndarray:
    """Returns the channels of tanh or sigmoid that are at their ends for all images.

    There the slope is rounded to 0.
    """
    signal = forward.outputs.get(node.name)
    if signal is None or node.activation not in ("tanh", "sigmoid"):
        return np.zeros(1, bool)
    square = signal.channel_variance + np.square(signal.channel_mean)
    ends = signal.channel_mean if node.activation == "sigmoid" else 1.0
    return np.abs(ends - square) < AT_END


def _has_zero_product(node: Node) -> bool:
    """Whether a frozen kernel or scale is zero."""
    for name in ("kernel", "gamma"):
        variable = getattr(node.layer, name, None)
        if variable is not None and not getattr(variable, "trainable", True):
            return not np.any(keras.ops.convert_to_numpy(variable))
    return False


def _lost(graph: Graph, forward: Forward, node: Node, gradient: Gradient) -> int:
    """Returns how many channels have no gradient, and no reason to have none."""
    signal = forward.outputs.get(node.name)
    given = forward.inputs.get(node.name)
    if signal is None or not signal.finite or node.number in graph.outputs:
        return 0
    if given is not None and given.max_abs == 0:
        return 0
    zero = gradient.zero_outputs
    if len(signal.dead) != len(zero):
        return 0
    return int((zero & ~_explained(graph, forward, node, 0)).sum())


def _explained(graph: Graph, forward: Forward, node: Node, depth: int) -> np.ndarray:
    """Returns the channels of a node's output that are dead, or become so."""
    mask = forward.outputs[node.name].dead.copy()
    mask |= _saturated(node, forward)
    if node.name in forward.training_outputs:
        training = forward.training_outputs[node.name].dead
        mask |= training if training.shape == mask.shape else False
    following = graph.after(node)
    if not following or depth > 40:
        return mask
    later = np.ones_like(mask)
    for after in following:
        later &= _after(graph, forward, after, mask.shape, depth)
    return mask | later


def _after(
    graph: Graph, forward: Forward, after: Node, shape: tuple[int, ...], depth: int
) -> np.ndarray:
    if after.kind in _MIXING or after.name not in forward.outputs:
        # operations such as a slice are not measured: nothing explains what they drop
        return np.full(shape, after.kind in _MIXING)
    if after.kind not in _BY_CHANNEL:
        return np.zeros(shape, bool)
    if forward.outputs[after.name].dead.shape != shape:
        return np.zeros(shape, bool)
    return _explained(graph, forward, after, depth + 1)


def _finding(lost: list[tuple[Node, int, int]], nodes: Mapping[str, Node]) -> Finding:
    worst, count, channels = max(lost, key=lambda item: item[1] / item[2])
    closures = sum(node.kind == "Lambda" for node in nodes.values())
    hint = (
        " Look at the Lambda layers behind it: do they read a loop variable?"
        if closures
        else ""
    )
    return Finding(
        code="RD221",
        label="disconnected_weights",
        severity="warning",
        title=f"{count} of {channels} channels of {worst.name} get a gradient of "
        "exactly 0, though they are not dead.",
        evidence={
            "layer": worst.name,
            "channels_without_gradient": count,
            "channels": channels,
            "layers": len(lost),
            "all": named([node for node, _, _ in lost]),
        },
        why="Nothing that they compute reaches the loss: a branch is lost, a slice "
        f"leaves them out, or a gradient is stopped.{hint}",
        cure="Connect what they make, or remove them",
        snippet="# in a loop, bind the variable now, not when the layer runs:\n"
        "keras.layers.Lambda(lambda x, g=g: x[..., g * size : (g + 1) * size])",
        effect="The whole network learns.",
        confidence=0.9,
    )


CHECK = Check("every weight can influence the output", find)
