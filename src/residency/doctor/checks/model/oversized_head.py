"""RD217: a Dense layer on flattened maps outweighs network and data."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.chain import PASSING, before, between
from residency.doctor.checks.model.first_weights import is_trained
from residency.doctor.probe import Node, Probe
from residency.records import Finding

PER_IMAGE = 10_000
"""Weights for each training image. VGG16 on ImageNet has 80 in its largest layer,
LeNet-like networks on MNIST 20, the same on 1 % of MNIST 2000."""
LEAST = 1_000_000
"""Weights below which a layer is no burden whatever the data."""
SHARE, BODY, FED = 0.9, 5_000_000, 100
"""Least share of all weights, least weights of the body, and least weights for each
training image, from which it is advice: a large network that is published with global
pooling. VGG16's own first layer has a share of 0.74; a ResNet-50 on 7 x 7 x 2048 with
3,036 classes 0.93, and 1,200 for each of its 246,000 images."""
_CONVOLUTIONS = ("Conv2D", "SeparableConv2D", "DepthwiseConv2D", "Conv1D", "Conv3D")


def find(probe: Probe) -> Sequence[Finding] | None:
    """Counts the weights of a Dense after a Flatten against images and all others."""
    graph, images = probe.graph, probe.train.size
    if not graph.wired or not images:
        return None
    total = sum({id(n.layer): n.parameters for n in graph.nodes}.values())
    for node in graph.of_kind("Dense"):
        maps = _flattened(probe, node)
        severity = _severity(node.parameters, total, images)
        if maps and severity and node.trainable and not is_trained(node):
            return [_finding(node, maps, total - node.parameters, images, severity)]
    return []


def _severity(weights: int, total: int, images: int) -> str:
    """Returns how bad a layer of so many weights is; `""`: it is in proportion."""
    rest, each = total - weights, weights / images
    if weights >= max(LEAST, rest) and each >= PER_IMAGE:
        return "warning"
    pooled = weights >= SHARE * total and rest >= BODY
    return "advice" if pooled and each >= FED else ""


def _flattened(probe: Probe, node: Node) -> Node | None:
    """Returns what is flattened in front of a Dense layer; `None`: no maps are."""
    graph = probe.graph
    first = before(graph, node, PASSING)
    if first is None or len(first.shape) < 3:
        return None
    if not any(n.kind == "Flatten" for n in between(graph, first, node)):
        return None
    before_it = (first, *graph.ancestors(first))
    return first if any(n.kind in _CONVOLUTIONS for n in before_it) else None


def _finding(node: Node, maps: Node, rest: int, images: int, severity: str) -> Finding:
    shape = "x".join(str(n) for n in maps.shape[1:])
    weights = node.parameters
    share, each = weights / (weights + rest), weights / images
    return Finding(
        code="RD217",
        label="oversized_head",
        severity=severity,
        title=f"{node.name} has {weights:,} weights on flattened maps of {shape}: "
        f"{100 * share:.0f} % of all, {each:,.0f} for each of the {images:,} images.",
        evidence={
            "layer": node.name,
            "weights": weights,
            "share": round(share, 4),
            "other_weights": rest,
            "images": images,
            "weights_per_image": round(each),
        },
        why="Such a layer learns the images by heart, place by place, before anything "
        "general; it also takes most of the memory.",
        cure="Global average pooling in place of Flatten",
        snippet="keras.layers.GlobalAveragePooling2D()",
        effect="The gap between training and validation narrows.",
        confidence=0.85 if severity == "warning" else 0.7,
    )


CHECK = Check("the head is in proportion to network and data", find)
