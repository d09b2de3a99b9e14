"""RD220: batch normalisation over another axis than the channels."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.chain import named
from residency.doctor.probe import Graph, Node, Probe
from residency.records import Finding

_MOVING = ("Reshape", "Permute", "Transpose", "Lambda", "Moveaxis", "Swapaxes")
_CHANNELS_LAST = ("Dense", "LSTM", "GRU", "SimpleRNN", "EinsumDense", "Embedding")


def find(probe: Probe) -> Sequence[Finding] | None:
    """Compares the axis with the layout of the layer that feeds it."""
    graph = probe.graph
    if not graph.wired:
        return None
    wrong: list[tuple[Node, int]] = []
    for node in graph.of_kind("BatchNormalization"):
        rank = len(node.shape)
        axis = _channel_axis(graph, node)
        if rank > 2 and axis is not None and node.layer.axis % rank != axis % rank:
            wrong.append((node, axis))
    if not wrong:
        return []
    node, axis = wrong[0]
    found = node.layer.axis
    return [
        Finding(
            code="RD220",
            label="bn_axis_wrong",
            severity="warning",
            title=f"{named([n for n, _ in wrong])}: normalised over axis {found}; "
            f"channels are on axis {axis}.",
            evidence={
                "layers": len(wrong),
                "axis": int(found),
                "channel_axis": int(axis),
                "shape": str(node.shape),
            },
            why="Each row of the image gets statistics of its own, and channels of "
            "different size stay as they are; other input sizes no longer fit.",
            cure=f"axis={axis}",
            snippet=f"keras.layers.BatchNormalization(axis={axis})",
            effect="Each channel has mean 0 and deviation 1; higher rates work.",
            confidence=0.95,
        )
    ]


def _channel_axis(graph: Graph, node: Node) -> int | None:
    """Returns the axis that the nearest layer with a layout has; `None`: not known."""
    current = node
    while current.inputs:
        current = graph.nodes[current.inputs[0]]
        if current.kind in _MOVING:
            return None
        if layout := getattr(current.layer, "data_format", None):
            return 1 if layout == "channels_first" else -1
        if current.kind in _CHANNELS_LAST:
            return -1
    return _of_images(current.shape)


def _of_images(shape: tuple[int | None, ...]) -> int | None:
    if len(shape) != 4:
        return None
    last, first = shape[-1] in (1, 3, 4), shape[1] in (1, 3, 4)
    return None if last == first else (-1 if last else 1)


CHECK = Check("batch normalisation runs over the channels", find)
