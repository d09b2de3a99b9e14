"""RD231: a hidden kernel starts constant, and all its units stay alike."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.chain import (
    ACTIVATING,
    LINEAR,
    RECURRENT,
    named,
)
from residency.doctor.checks.model.first_weights import kernel_of
from residency.doctor.probe import Graph, Node, Probe
from residency.doctor.probe.graph import WEIGHTED
from residency.records import Finding

_POOLING = ("MaxPooling1D", "MaxPooling2D", "GlobalMaxPooling2D", "GlobalMaxPooling1D")


def find(probe: Probe) -> Sequence[Finding] | None:
    """Looks for kernels in which each unit is the same, in front of other weights."""
    graph = probe.graph
    if not graph.wired:
        return None
    found = [
        (node, kernel)
        for node in graph.weighted
        if node.trainable
        and node.number not in graph.outputs
        and node.kind != "DepthwiseConv2D"
        and (kernel := kernel_of(node)) is not None
        and kernel.shape[-1] > 1
        and bool((kernel == kernel[..., :1]).all())
        and _feeds_weights(graph, node)
    ]
    if not found:
        return []
    node, kernel = found[0]
    zero = not np.any(kernel)
    rectified = _activation_after(graph, node) in ("relu", "relu6")
    value = f"{float(kernel.flat[0]):g}"
    return [
        Finding(
            code="RD231",
            label="constant_init",
            severity="error" if zero and rectified else "warning",
            title=f"All units of {named([n for n, _ in found])} start with the same "
            f"weights ({value}).",
            evidence={
                "layers": len(found),
                "layer": node.name,
                "value": float(kernel.flat[0]),
                "units": int(kernel.shape[-1]),
            },
            why=(
                "relu of 0 has no gradient: the layer stays 0, and nothing in front of "
                "it learns."
                if zero and rectified
                else "Units that start alike compute alike; they do the work of one."
            ),
            cure="A random initial kernel",
            snippet=f'keras.layers.{node.kind}(..., kernel_initializer="he_normal")',
            effect="Units differ, and the loss falls.",
            confidence=0.95,
        )
    ]


def _feeds_weights(graph: Graph, node: Node) -> bool:
    """Whether other weights take it straight: what is added on may start at 0."""
    following = graph.after(node)
    if not following:
        return False
    return all(
        after.kind in WEIGHTED
        or (
            after.kind in (*LINEAR, *ACTIVATING, *_POOLING, *RECURRENT)
            and _feeds_weights(graph, after)
        )
        for after in following
    )


def _activation_after(graph: Graph, node: Node) -> str | None:
    while node.activation == "linear":
        following = graph.after(node)
        if len(following) != 1 or following[0].kind in WEIGHTED:
            return "linear"
        node = following[0]
    return node.activation


CHECK = Check("hidden kernels start at random", find)
