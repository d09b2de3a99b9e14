"""A Keras network and the plain torch network beside it are the same network."""

from typing import Any

import plain
import torch
from cases import Case


def plain_network(case: Case) -> torch.nn.Module:
    """Returns the case's plain torch network, untrained."""
    sizes = (case.classes, case.pixels) if case.plain == "VGG16" else (case.classes,)
    return getattr(plain, case.plain)(*sizes)


def require_same_size(case: Case) -> None:
    """Ends the benchmark if the twins differ in their number of parameters."""
    import keras  # late: residency.models has chosen the backend

    with keras.device("meta"):
        ours = case.keras_model().count_params()
    with torch.device("meta"):
        state = plain_network(case).state_dict()
    counters = ("num_batches_tracked",)
    theirs = sum(x.numel() for n, x in state.items() if not n.endswith(counters))
    if ours != theirs:
        raise SystemExit(
            f"{case.name}: the Keras network has {ours:,} parameters, plain torch's "
            f"{theirs:,}. Only the same network can be compared."
        )


def copy_weights(model: Any, network: torch.nn.Module) -> None:
    """Copies a Keras model's weights into its twin, layer by layer.

    Both are taken in the order of the way through the net, a shortcut before its
    residual: Keras' along the graph, torch's as declared.

    Raises:
        ValueError: Another number of layers, or another shape.
    """
    layers = [layer for layer in _along_the_graph(model) if hasattr(layer, "weights")]
    layers = [x for x in layers if x.weights or type(x).__name__ == "Flatten"]
    modules = [m for m in network.modules() if list(m.parameters(recurse=False))]
    flattened = None  # (height, width, channels) before the next dense layer
    weighty = []
    for layer in layers:
        if layer.weights:
            weighty.append((layer, flattened))
            flattened = None
        else:
            flattened = tuple(layer.input.shape[1:])
    with torch.no_grad():
        for (layer, shape), module in zip(weighty, modules, strict=True):
            theirs = [*module.parameters(recurse=False), *_statistics(module)]
            for target, value in zip(theirs, _as_torch(layer, shape), strict=True):
                if target.shape != value.shape:
                    raise ValueError(
                        f"{layer.name}: {tuple(value.shape)} in Keras, "
                        f"{tuple(target.shape)} in torch."
                    )
                target.copy_(value)


def _along_the_graph(model: Any) -> list[Any]:
    """Returns the operations, each after those it reads, first inputs first."""
    found: dict[int, Any] = {}

    def visit(tensor: Any) -> None:
        operation = tensor._keras_history.operation
        if id(operation) not in found:
            for before in operation._inbound_nodes[0].input_tensors:
                visit(before)
            found[id(operation)] = operation

    visit(model.outputs[0])
    return list(found.values())


def _as_torch(layer: Any, flattened: Any) -> list[torch.Tensor]:
    """Returns a Keras layer's weights in torch's order of axes."""
    first, *others = [torch.from_numpy(w) for w in layer.get_weights()]
    kind = type(layer).__name__
    if kind == "Conv2D":
        first = first.permute(3, 2, 0, 1)
    elif kind == "DepthwiseConv2D":
        first = first.permute(2, 3, 0, 1)
    elif kind == "Dense":
        if flattened:  # Keras flattens channels last
            maps = first.reshape(*flattened, -1)
            first = maps.permute(2, 0, 1, 3).reshape(first.shape)
        first = first.t()
    return [first, *others]


def _statistics(module: Any) -> list[torch.Tensor]:
    if isinstance(module, torch.nn.BatchNorm2d):
        return [module.running_mean, module.running_var]
    return []
