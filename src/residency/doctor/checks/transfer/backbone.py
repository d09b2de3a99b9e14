"""Finds known pretrained networks inside a model, and what they were trained on."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from residency.doctor.applications import MODE_OF_MODULE
from residency.doctor.probe import Node, Probe
from residency.doctor.probe.graph import WEIGHTED


class Family(NamedTuple):
    """Networks of `keras.applications` that take the same inputs."""

    words: str
    module: str
    """Of `keras.applications`, with their `preprocess_input`."""
    model: str
    """Pattern of the name of the model, where it is nested."""
    layers: tuple[str, ...] = ()
    """Names that its layers have, where it was taken apart."""
    without: tuple[str, ...] = ()
    """Names that it has not, but a relative has."""
    bare: str = ""
    """What it takes without its own preprocessing, if it has any."""
    epsilon: float | None = None
    """Of its batch normalisations; `None`: none, or not known."""

    @property
    def contract(self) -> str:
        """Key of `CONTRACTS`; of those with own preprocessing what comes before it."""
        return MODE_OF_MODULE.get(self.module, "raw")


FAMILIES = (
    Family(
        "ResNet",
        "resnet",
        r"resnet(50|101|152)$",
        ("conv1_bn", "conv2_block1_1_conv"),
        ("conv2_block1_preact_bn", "pool2_conv"),
        epsilon=1.001e-5,
    ),
    Family("ResNet", "resnet", r"$^", ("bn_conv1", "res2a_branch2a")),
    Family(
        "VGG",
        "vgg16",
        r"vgg(16|19)$",
        ("block1_conv1", "block5_conv3"),
        ("block1_conv1_bn",),
    ),
    Family(
        "ResNetV2",
        "resnet_v2",
        r"resnet(50|101|152)v2$",
        ("conv2_block1_preact_bn",),
        epsilon=1.001e-5,
    ),
    Family("Inception", "inception_v3", r"inception(_resnet)?_v[23]$", epsilon=1e-3),
    Family(
        "Xception",
        "xception",
        r"xception$",
        ("block1_conv1_bn", "block2_sepconv1"),
        epsilon=1e-3,
    ),
    Family(
        "MobileNet",
        "mobilenet",
        r"mobilenet_[\d.]+_",
        ("conv1_bn", "conv_dw_1"),
        epsilon=1e-3,
    ),
    Family(
        "MobileNetV2",
        "mobilenet_v2",
        r"mobilenetv2_",
        ("bn_Conv1", "expanded_conv_depthwise"),
        epsilon=1e-3,
    ),
    Family("NASNet", "nasnet", r"nasnet", ("stem_conv1", "stem_bn1"), epsilon=1e-3),
    Family(
        "DenseNet",
        "densenet",
        r"densenet(121|169|201)$",
        ("conv1_bn", "pool2_conv"),
        epsilon=1.001e-5,
    ),
    Family(
        "EfficientNet",
        "efficientnet",
        r"efficientnetb\d",
        ("stem_conv", "block1a_dwconv"),
        bare="torch",
        epsilon=1e-3,
    ),
    Family(
        "EfficientNetV2",
        "efficientnet_v2",
        r"efficientnetv2-b",
        bare="torch",
        epsilon=1e-3,
    ),
    Family(
        "EfficientNetV2",
        "efficientnet_v2",
        r"efficientnetv2-",
        bare="tf",
        epsilon=1e-3,
    ),
    Family(
        "MobileNetV3",
        "mobilenet_v3",
        r"mobilenetv3",
        ("expanded_conv_depthwise", "conv_bn"),
        ("bn_Conv1",),
        bare="tf",
        epsilon=1e-3,
    ),
    Family("ConvNeXt", "convnext", r"convnext_", bare="torch"),
)
OWN = Family("catalog network", "", "")
"""A network of ours: its first layer, named `preprocessing`, takes raw pixels."""
PREPARING = ("Rescaling", "Normalization", "ZeroPadding2D", "Sequential")


class Backbone(NamedTuple):
    """A pretrained network found in a model."""

    family: Family
    contract: str
    """Key of `CONTRACTS`: what must arrive at `entrance`."""
    entrance: Node
    nodes: tuple[Node, ...]

    @property
    def trainable_share(self) -> float:
        """Share of its parameters in kernels that training moves."""
        kernels = [n for n in self.nodes if n.kind in WEIGHTED]
        total = sum(n.parameters for n in kernels)
        return sum(n.parameters for n in kernels if n.trainable) / max(total, 1)


def find_backbone(probe: Probe) -> Backbone | None:
    """Returns the first pretrained network that is known; `None`: there is none.

    One whose biases and moving statistics are all at their first values was never
    trained, and expects nothing.
    """
    for family, nodes in _candidates(probe):
        if nodes and is_trained(nodes):
            found = _entrance(probe, family, nodes)
            if found is not None:
                return Backbone(family, *found, nodes)
    return None


def is_trained(nodes: Sequence[Node]) -> bool:
    """Returns whether any bias, shift or moving mean has left its first value, 0."""
    for node in nodes:
        if node.kind in ("Normalization", "Rescaling"):
            continue
        for name in ("moving_mean", "beta", "bias"):
            value = getattr(node.layer, name, None)
            if value is not None and _not_zero(value, node.layer, name):
                return True
    return False


def _not_zero(value: Any, layer: Any, name: str) -> bool:
    numbers = np.array(keras.ops.convert_to_numpy(value))
    if name == "moving_mean":
        return bool((numbers != 0).any())
    return bool(np.ptp(numbers) > 0)  # a constant first value may be another than 0


def _candidates(probe: Probe) -> Sequence[tuple[Family, tuple[Node, ...]]]:
    nodes = probe.graph.nodes
    if any(n.name == "preprocessing" and n.kind == "Rescaling" for n in nodes):
        return [(OWN, nodes)]  # it may be named as a network of Keras
    found = []
    for name in dict.fromkeys(part for node in nodes for part in node.inside):
        for family in FAMILIES:
            if re.match(family.model, name.lower()):
                found.append((family, tuple(n for n in nodes if name in n.inside)))
                break
    names = {node.name for node in nodes}
    for family in FAMILIES:
        marked = family.layers and names.issuperset(family.layers)
        if not found and marked and not names & set(family.without):
            found.append((family, nodes))
    return found


def _entrance(
    probe: Probe, family: Family, nodes: tuple[Node, ...]
) -> tuple[str, Node] | None:
    """Returns what must arrive where; follows padding and own preprocessing back."""
    if family is OWN:
        return "raw", next(n for n in nodes if n.name == "preprocessing")
    node = next((n for n in nodes if n.kind in WEIGHTED), None)
    if node is None:
        return None
    prepared = False
    rescaled = False
    while len(node.inputs) == 1:
        before = probe.graph.nodes[node.inputs[0]]
        own = before in nodes and before.kind in PREPARING
        own = own and (before.kind == "ZeroPadding2D" or bool(family.bare))
        flat = not before.inside
        if not own or (flat and rescaled and prepared and before.kind == "Rescaling"):
            break
        prepared = prepared or before.kind in ("Rescaling", "Normalization")
        rescaled = rescaled or (before.kind == "Rescaling" and _divides(before.layer))
        node = before
    contract = family.bare if family.bare and not prepared else family.contract
    return contract, node


def _divides(layer: Any) -> bool:
    scale = np.asarray(getattr(layer, "scale", 1.0), dtype=float)
    return bool((scale < 0.02).all())
