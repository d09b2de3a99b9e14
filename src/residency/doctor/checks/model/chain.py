"""Walks along a graph: what lies before a layer, past those that change little."""

from residency.doctor.probe import Graph, Node

PASSING = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")
PASSING += ("AlphaDropout", "GaussianDropout", "GaussianNoise", "Identity")
PASSING += ("ActivityRegularization", "Flatten", "Reshape", "Permute", "RepeatVector")
PASSING += ("ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D", "Squeeze")
"""Layers that change no value, in inference."""
POOLING = ("AveragePooling1D", "AveragePooling2D", "AveragePooling3D")
POOLING += ("GlobalAveragePooling1D", "GlobalAveragePooling2D")
POOLING += ("GlobalAveragePooling3D",)
"""Layers that take means."""
LINEAR = (*PASSING, *POOLING, "BatchNormalization", "Rescaling", "Normalization")
LINEAR += ("UpSampling1D", "UpSampling2D", "UpSampling3D")
"""Layers that do no more than a product with a matrix would, in inference."""
ACTIVATING = ("Activation", "ReLU", "LeakyReLU", "ELU", "PReLU", "Softmax")
ACTIVATING += ("Relu", "Relu6", "Sigmoid", "Tanh", "Gelu", "Silu", "LeakyRelu", "Elu")
ACTIVATING += ("Selu", "Softplus", "HardSigmoid")
"""Layers and operations that do nothing but activate."""
RECURRENT = ("LSTM", "GRU", "SimpleRNN")
NEAR = 6
"""A gate multiplies within so many layers after it begins."""


def passes(node: Node, kinds: tuple[str, ...]) -> bool:
    """Whether a node is of these kinds, or an activation that is none."""
    return node.kind in kinds or (
        node.kind == "Activation" and node.activation == "linear"
    )


def source(graph: Graph, node: Node, through: tuple[str, ...]) -> Node | None:
    """Returns `node`, or the nearest before it that is not of the kinds `through`.

    `None`: the way there has no single input.
    """
    while passes(node, through):
        if len(node.inputs) != 1:
            return None
        node = graph.nodes[node.inputs[0]]
    return node


def before(graph: Graph, node: Node, through: tuple[str, ...]) -> Node | None:
    """Returns what `node` gets its only input from, past the kinds `through`."""
    if len(node.inputs) != 1:
        return None
    return source(graph, graph.nodes[node.inputs[0]], through)


def between(graph: Graph, first: Node, last: Node) -> tuple[Node, ...]:
    """Returns the nodes between two of which `first` lies straight before `last`."""
    found: list[Node] = []
    node = last
    while (node := graph.nodes[node.inputs[0]]).number != first.number:
        found.append(node)
    return tuple(reversed(found))


def is_gate(graph: Graph, node: Node) -> bool:
    """Tells whether what `node` gives is soon multiplied with what others give."""
    reached = {node.number}
    for _ in range(NEAR):
        after = {
            n.number: n for start in reached for n in graph.after(graph.nodes[start])
        }
        if any(
            n.kind == "Multiply" and not set(n.inputs) <= reached
            for n in after.values()
        ):
            return True
        reached |= set(after)
    return False


def named(nodes: list[Node]) -> str:
    """Returns the names of some nodes, the first few only."""
    names = list(dict.fromkeys(node.name for node in nodes))
    rest = len(names) - 4
    return ", ".join(names[:4]) + (f" and {rest} more" if rest > 0 else "")
