"""The model as a flat graph of layers, nested models opened."""

import inspect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras.src.models.functional import Functional

WEIGHTED = ("Conv1D", "Conv2D", "Conv3D", "Dense", "EinsumDense", "SeparableConv2D")
WEIGHTED += ("DepthwiseConv2D", "Conv2DTranspose", "LSTM", "GRU", "SimpleRNN")
"""Layers that multiply with a kernel: what needs an activation between it."""
NORMALIZING = ("BatchNormalization", "LayerNormalization", "GroupNormalization")


@dataclass(frozen=True, slots=True)
class Node:
    """One call of a layer or operation."""

    number: int
    name: str
    kind: str
    """The class, as `"Conv2D"`; of a subclass of a Keras layer, the Keras layer's."""
    layer: Any
    """The Keras layer or operation itself; read it, never change it."""
    inputs: tuple[int, ...]
    """Numbers of the nodes whose outputs it takes; inputs of the model have none."""
    shape: tuple[int | None, ...]
    """Of its first output, the batch first."""
    inside: tuple[str, ...]
    """Names of the nested models around it, outermost first."""
    asked: bool | None = None
    """The `training` that it, else the nearest model around it, was called with where
    the graph was built; `None`: none."""

    @property
    def trainable(self) -> bool:
        """Whether training moves any of its variables."""
        return bool(getattr(self.layer, "trainable_variables", ()))

    @property
    def activation(self) -> str | None:
        """What it applies last: `"relu"`, `"softmax"`, `"linear"`; `None`: not known.

        A layer that neither multiplies nor activates, such as pooling, has `"linear"`.
        """
        return activation_of(self.layer, self.kind)

    @property
    def parameters(self) -> int:
        """Numbers in its variables; a layer called twice counts at each call."""
        return sum(math.prod(v.shape) for v in getattr(self.layer, "variables", ()))


@dataclass(frozen=True, slots=True)
class Graph:
    """All nodes, each after those it reads."""

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    wired: bool
    """`False` for a model with a `call` of its own: its layers in order of creation,
    and who reads whom is not known."""

    def before(self, node: Node) -> tuple[Node, ...]:
        """Returns the nodes that `node` reads."""
        return tuple(self.nodes[n] for n in node.inputs)

    def after(self, node: Node) -> tuple[Node, ...]:
        """Returns the nodes that read `node`."""
        return tuple(other for other in self.nodes if node.number in other.inputs)

    def of_kind(self, *kinds: str) -> tuple[Node, ...]:
        """Returns the nodes of these classes, in order."""
        return tuple(node for node in self.nodes if node.kind in kinds)

    @property
    def weighted(self) -> tuple[Node, ...]:
        """The nodes that multiply with a kernel, in order."""
        return self.of_kind(*WEIGHTED)

    @property
    def output(self) -> Node:
        """The node that makes the first output."""
        return self.nodes[self.outputs[0]]

    @property
    def entrances(self) -> tuple[Node, ...]:
        """What may prepare the inputs, and the first layers with a kernel, in order.

        That is all nodes with no kernel before them; of a graph that is not wired, all
        up to the first kernel.
        """
        numbers: set[int] = set()
        behind: set[int] = set()
        for node in self.nodes:
            if any(n in behind for n in node.inputs) or (behind and not self.wired):
                behind.add(node.number)
                continue
            numbers.add(node.number)
            if node.kind in (*WEIGHTED, "Embedding"):
                behind.add(node.number)
        return tuple(self.nodes[n] for n in sorted(numbers))

    def ancestors(self, node: Node) -> Iterator[Node]:
        """Yields what lies before `node`, nearest first, each once."""
        seen: set[int] = set()
        waiting = list(node.inputs)
        while waiting:
            number = waiting.pop(0)
            if number not in seen:
                seen.add(number)
                yield self.nodes[number]
                waiting += self.nodes[number].inputs


def read_graph(model: keras.Model) -> Graph:
    """Returns the graph of any built model; builds and calls nothing."""
    graph = _functional(model)
    if graph is None:
        layers = [
            x for x in model._flatten_layers() if not x._layers and x is not model
        ]
        nodes = [
            Node(n, layer.name, kind_of(layer), layer, (), _shape(layer), ())
            for n, layer in enumerate(layers)
        ]
        return Graph(tuple(nodes), (len(nodes) - 1,) if nodes else (), wired=False)
    reader = _Reader()
    for tensor in graph.inputs:
        operation = tensor._keras_history.operation
        reader.add(operation, (), (tensor,))
    reader.follow(model, ())
    outputs = tuple(reader.made_by[id(x)] for x in graph.outputs)
    return Graph(tuple(reader.nodes), outputs, wired=True)


def kind_of(layer: Any) -> str:
    """Returns the name of the Keras class that a layer is, or is derived from."""
    for kind in type(layer).__mro__:
        if kind.__module__.startswith("keras."):
            return kind.__name__
    return type(layer).__name__


def activation_of(layer: Any, kind: str) -> str | None:
    """Returns the name of what a layer applies last; see `Node.activation`."""
    fixed = {"ReLU": "relu", "Softmax": "softmax", "LeakyReLU": "leaky_relu"}
    fixed |= {"ELU": "elu", "PReLU": "prelu", "Relu": "relu", "Sigmoid": "sigmoid"}
    fixed |= {"Tanh": "tanh", "Gelu": "gelu", "Silu": "silu", "Relu6": "relu6"}
    if kind in fixed:
        return fixed[kind]
    activation = getattr(layer, "activation", None)
    if activation is None:
        return None if kind in ("Lambda", "Layer", "Model") else "linear"
    return getattr(activation, "__name__", type(activation).__name__.lower())


class _Reader:
    """Collects the nodes of a graph and of the graphs inside it."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.made_by: dict[int, int] = {}

    def add(
        self,
        operation: Any,
        inputs: tuple[int, ...],
        outputs: Sequence[Any],
        inside: tuple[str, ...] = (),
        asked: bool | None = None,
    ) -> None:
        number = len(self.nodes)
        shape = tuple(outputs[0].shape) if outputs else ()
        kind = kind_of(operation)
        name = operation.name
        self.nodes.append(
            Node(number, name, kind, operation, inputs, shape, inside, asked)
        )
        self.made_by.update((id(x), number) for x in outputs)

    def follow(
        self, model: Any, inside: tuple[str, ...], around: bool | None = None
    ) -> None:
        graph = _functional(model)
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                known = all(id(x) in self.made_by for x in node.input_tensors)
                if node.is_input or not known:
                    continue
                own = _mode(model, node)
                asked = around if own is None else own
                inner = _functional(node.operation)
                given = node.input_tensors
                if inner is None or len(given) != len(inner.inputs):
                    numbers = tuple(self.made_by[id(x)] for x in given)
                    self.add(node.operation, numbers, node.outputs, inside, asked)
                else:
                    self._open(node, inner, inside, asked)

    def _open(
        self, node: Any, inner: Any, inside: tuple[str, ...], asked: bool | None
    ) -> None:
        before = dict(self.made_by)
        for ours, theirs in zip(node.input_tensors, inner.inputs, strict=True):
            self.made_by[id(theirs)] = before[id(ours)]
        self.follow(node.operation, (*inside, node.operation.name), asked)
        found = [self.made_by[id(x)] for x in inner.outputs]
        self.made_by = before  # the model may be used once more, on other tensors
        for ours, number in zip(node.outputs, found, strict=True):
            self.made_by[id(ours)] = number


def _mode(model: Any, node: Any) -> bool | None:
    """Returns the `training` that a call in the graph of `model` names.

    A graph also records what a layer takes by default, as Dropout does, and that of
    a Sequential model the mode in which it was built.
    """
    named = node.arguments.kwargs.get("training")
    if named is None or isinstance(model, keras.Sequential):
        return None
    taken = inspect.signature(node.operation.call).parameters.get("training")
    return None if taken is None or taken.default == named else bool(named)


def _functional(operation: Any) -> Any:
    """Returns the Keras graph behind an operation; `None`: it has none."""
    if isinstance(operation, keras.Sequential):
        same = type(operation).call is keras.Sequential.call
        return operation._functional if same else None
    same = isinstance(operation, Functional) and type(operation).call is Functional.call
    return operation if same else None


def _shape(layer: Any) -> tuple[int | None, ...]:
    try:
        return tuple(layer.output.shape)
    except (AttributeError, ValueError):
        return ()
