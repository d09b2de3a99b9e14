"""RD211: layers with weights follow each other without an activation between."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.chain import (
    LINEAR,
    POOLING,
    RECURRENT,
    before,
    between,
    is_gate,
    named,
)
from residency.doctor.probe import Graph, Node, Probe
from residency.doctor.probe.graph import WEIGHTED
from residency.records import Finding

_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "SeparableConv2D")
NEAR = 12
"""So many nodes back an inverted residual has its depthwise convolution."""
CODE = 2
"""A layer so many times narrower than both sides is a code on purpose."""


def find(probe: Probe) -> Sequence[Finding] | None:
    """Looks for two weight layers that together do what one could do."""
    graph = probe.graph
    if not graph.wired:
        return None
    pairs = [
        (first, second)
        for second in graph.weighted
        if second.kind not in RECURRENT
        and (first := before(graph, second, LINEAR)) is not None
        and _is_linear(first)
        and not _is_squeezed(graph, first, second)
        and not _on_purpose(graph, first, second)
    ]
    if not pairs:
        return []
    hidden = [node for node in graph.weighted if node.number != graph.outputs[0]]
    crossing = all(first.inside != second.inside for first, second in pairs)
    names = named([first for first, _ in pairs])
    return [
        Finding(
            code="RD211",
            label="missing_nonlinearity",
            severity="advice" if crossing else "warning",
            title=f"No activation after {names}: the next layer with weights follows "
            "directly.",
            evidence={
                "layers": len(pairs),
                "hidden_layers_with_weights": len(hidden),
                "first": f"{pairs[0][0].name} -> {pairs[0][1].name}",
            },
            why="Two products with matrices are one: the second layer adds parameters "
            "and no power.",
            cure="An activation between them",
            snippet=f"# {pairs[0][0].name}\n"
            f'keras.layers.{pairs[0][0].kind}(..., activation="relu")',
            effect="The network can bend its decision borders; training loss falls "
            "further.",
            confidence=0.9 if len(pairs) > 1 else 0.8,
        )
    ]


def _is_linear(node: Node) -> bool:
    is_product = node.kind in WEIGHTED and node.kind not in RECURRENT
    return is_product and node.activation == "linear" and node.trainable


def _is_squeezed(graph: Graph, first: Node, second: Node) -> bool:
    """Tells whether means of what they will multiply are between: a gate's."""
    pooled = (n for n in between(graph, first, second) if n.kind in POOLING)
    shared = any(len(graph.after(graph.before(node)[0])) > 1 for node in pooled)
    return shared and is_gate(graph, second)


def _on_purpose(graph: Graph, first: Node, second: Node) -> bool:
    """Separable halves, linear bottlenecks, colour mixing and narrow codes."""
    if _is_depthwise(first) or _is_depthwise(second):
        return True
    if first.kind in _CONVOLUTIONS and second.kind in _CONVOLUTIONS:
        one, two = _kernel(first), _kernel(second)
        if 1 in one and 1 in two and one != two and max(one) > 1 and max(two) > 1:
            return True  # 1xn after nx1
        if max(one) == 1 and (
            _is_first(graph, first) or _after_depthwise(graph, first)
        ):
            return True
    given, width, gives = _inputs(first), _outputs(first), _outputs(second)
    narrow = CODE * width <= given and CODE * width <= gives
    return bool(width) and narrow and (max(_kernel(first)) == 1)


def _is_first(graph: Graph, node: Node) -> bool:
    return not any(other.kind in WEIGHTED for other in graph.ancestors(node))


def _after_depthwise(graph: Graph, node: Node) -> bool:
    near = [other for _, other in zip(range(NEAR), graph.ancestors(node), strict=False)]
    return any(_is_depthwise(other) for other in near)


def _is_depthwise(node: Node) -> bool:
    groups = getattr(node.layer, "groups", 1) or 1
    return node.kind == "DepthwiseConv2D" or groups == _outputs(node) > 1


def _kernel(node: Node) -> tuple[int, ...]:
    return tuple(getattr(node.layer, "kernel_size", (1,)))


def _inputs(node: Node) -> int:
    kernel = getattr(node.layer, "kernel", None)
    return 0 if kernel is None or len(kernel.shape) < 2 else int(kernel.shape[-2])


def _outputs(node: Node) -> int:
    return int(getattr(node.layer, "filters", getattr(node.layer, "units", 0)) or 0)


CHECK = Check("an activation stands between layers with weights", find)
