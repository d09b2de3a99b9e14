"""RD222: biases that batch normalisation takes away again."""

import re
from collections.abc import Sequence

from keras.src.utils.naming import to_snake_case

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.first_weights import trained_before
from residency.doctor.probe import Graph, Node, Probe
from residency.records import Finding

THROUGHOUT = 8
"""Layers from which on it is the habit of a network of one's own."""
_PLAIN = ("Conv1D", "Conv2D", "Conv3D", "Dense", "Conv2DTranspose")
"""In a separable convolution the bias is no burden beside its two kernels."""
_KINDS = ("Conv1D", "Conv2D", "Conv3D", "Dense", "Conv2DTranspose", "SeparableConv2D")
_KINDS += ("DepthwiseConv2D",)


def find(probe: Probe) -> Sequence[Finding] | None:
    """Counts biases directly in front of batch normalisation."""
    graph = probe.graph
    if not graph.wired:
        return None
    normalised = [n for n in graph.of_kind(*_KINDS) if _goes_to_bn(graph, n)]
    biased = [n for n in normalised if n.layer.use_bias and n.trainable]
    if not biased:
        return []
    own = all(_is_named_by_keras(n) and not n.inside for n in biased)
    own = own and not trained_before(probe)
    plain = [n for n in biased if n.kind in _PLAIN]
    habit = len(plain) >= THROUGHOUT and len(biased) == len(normalised)
    count = sum(int(n.layer.bias.shape[0]) for n in biased)
    return [
        Finding(
            code="RD222",
            label="useless_bias_before_bn",
            severity="warning" if own and habit else "advice",
            title=f"{len(biased)} layers keep a bias that batch normalisation cancels.",
            evidence={
                "layers": len(biased),
                "of_layers_before_normalisation": len(normalised),
                "parameters": count,
                "first": biased[0].name,
            },
            why="Normalisation subtracts the mean, and the bias with it: its gradient "
            "is 0 but for rounding, and weight decay or noise moves it at will.",
            cure="use_bias=False in front of BatchNormalization",
            snippet=f"keras.layers.{biased[0].kind}(..., use_bias=False)",
            effect=f"{count:,} parameters fewer, the same function.",
        )
    ]


def _is_named_by_keras(node: Node) -> bool:
    """Whether no author chose the name: published networks name their layers."""
    automatic = re.escape(to_snake_case(type(node.layer).__name__))
    return re.fullmatch(rf"{automatic}(_\d+)?", node.name) is not None


def _goes_to_bn(graph: Graph, node: Node) -> bool:
    following = graph.after(node)
    return (
        node.activation == "linear"
        and len(following) == 1
        and following[0].kind == "BatchNormalization"
    )


CHECK = Check("no bias stands in front of batch normalisation", find)
