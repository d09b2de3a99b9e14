"""The stages of a network, told from the names of its layers: ours and Keras' own."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import keras

from residency.training.freezing import BODY, HEAD

_STAGE = re.compile(
    r"stem|top|(?:conv|stage|layer)_?\d+(?=[_/.]|$)|(?:block_?|res)\d+", re.IGNORECASE
)


class Head(NamedTuple):
    """The last layers of a network: pooling or flattening, and what is behind it."""

    layers: tuple[Any, ...]
    """In their order."""
    features: Any
    """The vectors, a symbolic tensor of the model's graph, that the first layer behind
    the pooling takes; `None` where they are inside a model in the model."""


def stages(model: keras.Model) -> Mapping[str, tuple[keras.layers.Layer, ...]]:
    """Returns the layers of each stage, from the first to `"head"`.

    A stage is the beginning that layer names share: `conv2` of `conv2_block1_1_conv`,
    `block3` of `block3_pool` or `block3b_bn`, `res2` of `res2a_branch2a`, `stem`,
    `top`. Layers without such a name belong to the stage they follow. Where no name
    tells a stage, all but the head is `"body"`. Layers of models inside the model
    count as its own.

    Args:
        model: A graph of layers, built.

    Example:

    >>> from residency.models import build
    >>> list(stages(build("resnet18", num_classes=2, image_size=64)))
    ['conv1', 'conv2', 'conv3', 'conv4', 'conv5', 'head']
    """
    head = head_of(model).layers
    found: dict[str, list[Any]] = {}
    unnamed: list[Any] = []
    name = ""
    for layer in all_layers(model):
        if layer in head:
            continue
        match = _STAGE.match(layer.name)
        name = match.group() if match else name
        (found.setdefault(name, []) if name else unnamed).append(layer)
    if unnamed:
        first = next(iter(found), BODY)
        found = {first: [*unnamed, *found.pop(first, ())], **found}
    found[HEAD] = list(head)
    return {name: tuple(layers) for name, layers in found.items()}


def head_of(model: keras.Model) -> Head:
    """Returns what lies behind the last feature map of `model`.

    At least one layer with a kernel is part of it, so of a network that ends in a
    convolution and pooling it is both.
    """
    layers: list[Any] = []
    tensor: Any = model.outputs[0]
    while True:
        history = tensor._keras_history
        operation = history.operation
        before = operation._inbound_nodes[history.node_index].input_tensors
        if len(before) != 1:
            return Head(tuple(layers), tensor)
        if isinstance(operation, keras.Model):
            if layers and len(before[0].shape) != 2:
                return Head(tuple(layers), tensor)
            inside = head_of(operation)
            layers = [*inside.layers, *layers]
            if len(before[0].shape) != 2:
                return Head(tuple(layers), None)
        elif isinstance(operation, keras.layers.Layer):
            layers.insert(0, operation)
        whole = any(getattr(layer, "kernel", None) is not None for layer in layers)
        if whole and len(before[0].shape) != 2:
            vectors = len(tensor.shape) == 2
            return Head(tuple(layers), tensor if vectors else before[0])
        tensor = before[0]


def last_map(model: keras.Model) -> Any:
    """Returns the symbolic tensor that the head of `model` takes, or `None`."""
    head = head_of(model)
    if head.features is None:
        return None
    history = head.features._keras_history
    inside = history.operation in head.layers
    node = history.operation._inbound_nodes[history.node_index]
    return node.input_tensors[0] if inside else head.features


def all_layers(model: keras.Model) -> Iterator[Any]:
    """Yields the layers in order, those of models inside the model in their place."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from all_layers(layer)
        else:
            yield layer
