"""The graph of a Keras model as a flat list of calls."""

from typing import Any

import keras
from keras.src.models.functional import Functional

from residency.engine.lowering.call import Call
from residency.engine.lowering.operation import (
    compile_operation,
    is_special,
    needs_cast,
    takes_tensors_only,
)


def graph_of(operation: Any) -> Any:
    """Returns the Keras graph that calling `operation` runs; `None`: there is none."""
    if isinstance(operation, keras.Sequential):
        return operation._functional if _calls(operation, keras.Sequential) else None
    if isinstance(operation, Functional):
        return operation if _calls(operation, Functional) else None
    return None


def _calls(model: Any, kind: Any) -> bool:
    """Tells whether calling `model` does what calling its `kind` does."""
    replaced = vars(model).get("call")
    same = replaced is None or getattr(replaced, "runs_the_graph", False)
    return type(model).call is kind.call and same


def makes_masks(model: keras.Model) -> bool:
    """Tells whether Keras would carry a mask beside the tensors, which we do not."""
    for layer in model._flatten_layers(include_self=False):
        own = not type(layer).__module__.startswith("keras.")
        overrides = type(layer).compute_mask is not keras.layers.Layer.compute_mask
        if (
            isinstance(layer, keras.layers.Masking)
            or getattr(layer, "mask_zero", False)
            or (own and overrides and not isinstance(layer, keras.Model))
        ):
            return True
    return False


def cast_inside(model: Any, around: str | None) -> str | None:
    """Returns the dtype to which Keras casts variables read inside a model's call."""
    mixed = model.compute_dtype != model.variable_dtype
    return model.compute_dtype if mixed or around is not None else None


class Trace:
    """Collects the calls of a graph and of the graphs inside it."""

    def __init__(self, dtype: str | None) -> None:
        self.dtype = dtype
        self.decides_training = False
        self.calls: list[Call] = []
        self.slots: dict[int, int] = {}
        self.size = 0

    def slot(self, tensor: Any) -> int:
        """Returns a new slot for a symbolic tensor."""
        self.slots[id(tensor)] = self.size
        self.size += 1
        return self.size - 1

    def follow(self, graph: Any) -> None:
        """Adds the calls of `graph`, whose inputs have their slots."""
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                if node.is_input or any(
                    id(x) not in self.slots for x in node.input_tensors
                ):
                    continue
                if node.arguments.kwargs.get("training") is not None:
                    self.decides_training = True
                inner = graph_of(node.operation)
                if (
                    inner is not None
                    and _fits(node, inner)
                    and not is_special(node.operation)
                ):
                    self._inline(node, inner)
                else:
                    self._call(node)

    def _inline(self, node: Any, inner: Any) -> None:
        given = keras.tree.flatten(node.arguments.args[0])
        before, dtype = dict(self.slots), self.dtype
        self.dtype = cast_inside(node.operation, dtype)
        for ours, theirs in zip(given, inner.inputs, strict=True):
            self.slots[id(theirs)] = before[id(ours)]
        self.follow(inner)
        found = [self.slots[id(x)] for x in inner.outputs]
        self.dtype = dtype
        self.slots = before  # the same graph may be used once more, on other tensors
        for ours, slot in zip(node.outputs, found, strict=True):
            self.slots[id(ours)] = slot

    def _call(self, node: Any) -> None:
        inputs = tuple(self.slots[id(x)] for x in node.input_tensors)
        run, kept = compile_operation(
            node.operation, node.arguments.args, node.arguments.kwargs, self.dtype
        )
        is_layer = isinstance(node.operation, keras.layers.Layer)
        takes_training = getattr(node.operation, "_call_has_training_arg", False)
        self.decides_training |= kept and takes_training
        self.calls.append(
            Call(
                node.operation.name,
                node.operation,
                run,
                inputs,
                tuple(self.slot(x) for x in node.outputs),
                kept,
                casts=is_layer and any(needs_cast(node.operation, node.input_tensors)),
            )
        )


def _fits(node: Any, graph: Any) -> bool:
    """Tells whether a nested model takes the tensors just as they come."""
    args, kwargs = node.arguments.args, node.arguments.kwargs
    if len(args) != 1 or not takes_tensors_only(kwargs):
        return False
    if isinstance(args[0], dict) != isinstance(graph._inputs_struct, dict):
        return False  # Keras goes by the names of the inputs
    given = keras.tree.flatten(args[0])
    return len(given) == len(graph.inputs) and all(
        len(a.shape) == len(b.shape) and a.dtype == b.dtype
        for a, b in zip(given, graph.inputs, strict=True)
    )
