"""The graph of a Keras model as a flat list of calls, and the module that runs it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import torch
from keras.src.models.functional import Functional

from residency.engine.lowering.call import Call
from residency.engine.lowering.folding import FoldedConvolution
from residency.engine.lowering.fusion import fuse
from residency.engine.lowering.layers import compile_operation
from residency.engine.lowering.normalization import BatchNorm
from residency.engine.lowering.shared_statistics import Sharing
from residency.errors import EngineError


class Lowered(torch.nn.Module):
    """A Keras model as a torch module that shares the storage of its variables.

    Tensors have Keras' shapes and order of axes throughout: what is
    `(batch, height, width, channels)` in Keras is that here, and torch's
    convolutions see it through a permutation, which copies nothing.

    Attributes:
        calls: What runs, in order.
        kept: Names of the layers that are called as the Keras layers they are.
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self._keras = (model,)  # in a tuple: a module's attribute would be its child
        trace = _Trace()
        graph = None if _makes_masks(model) else graph_of(model)
        if graph is None:
            trace.calls.append(Call(model.name, model, model, (0,), (1,), kept=True))
            trace.size, self._inputs, self._outputs = 2, (0,), (1,)
            self._dtypes: tuple[torch.dtype, ...] = ()
        else:
            self._inputs = tuple(trace.slot(x) for x in graph.inputs)
            trace.follow(graph)
            self._outputs = tuple(trace.slots[id(x)] for x in graph.outputs)
            self._dtypes = tuple(getattr(torch, x.dtype) for x in graph.outputs)
        self._graph = (graph,)
        self._size = trace.size
        self.calls = tuple(fuse(trace.calls, keep=self._outputs))
        self.kept = tuple(call.name for call in self.calls if call.kept)
        self._free = _last_uses(self.calls, keep=self._outputs)
        for number, variable in enumerate(model.variables):
            name = f"{number:04d}/{variable.path}".replace(".", "_")
            self.register_parameter(name, variable.value)

    @property
    def model(self) -> keras.Model:
        """The Keras model that was lowered."""
        return self._keras[0]

    def forward(self, inputs: Any, training: bool | None = None) -> Any:
        """Runs the model.

        Args:
            inputs: What the Keras model takes: a tensor `(batch, ...)`, or a list or
                dict of them.
            training: Batch statistics and dropout on; `None`: as `train()` or
                `eval()` set the module.

        Returns:
            What the Keras model gives, in the dtypes it gives.
        """
        graph = self._graph[0]
        training = self.training if training is None else training
        if graph is None:
            return self.calls[0].run(inputs, training=training)
        given = graph._standardize_inputs(inputs)
        values: list[Any] = [None] * self._size
        for slot, value in zip(self._inputs, given, strict=True):
            values[slot] = value
        for call, free in zip(self.calls, self._free, strict=True):
            results = call.run(*[values[n] for n in call.inputs], training=training)
            if len(call.outputs) == 1:
                values[call.outputs[0]] = results
            else:
                for slot, value in zip(
                    call.outputs, keras.tree.flatten(results), strict=True
                ):
                    values[slot] = value
            for slot in free:
                values[slot] = None
        outputs = [
            values[slot].to(dtype)
            for slot, dtype in zip(self._outputs, self._dtypes, strict=True)
        ]
        packed = keras.tree.pack_sequence_as(graph._outputs_struct, outputs)
        single = isinstance(packed, list | tuple) and len(packed) == 1
        return packed[0] if single else packed


def lower(model: keras.Model) -> Lowered:
    """Returns `model` as one torch module on the storage of its variables.

    Training the module trains the model: nothing is copied, so `model.save`,
    `get_weights`, `set_weights`, `assign` and `trainable` go on working. Kernels of
    convolutions keep their Keras shape and are laid out anew in memory once, as
    torch's channels-last kernels want them.

    Layers that the lowering does not know, such as a user's own, are called as the
    Keras layers they are; `kept` names them. A model that is not a graph (one with
    its own `call`), or one with masks, is called whole.

    Args:
        model: Any built Keras model on the torch backend.

    Returns:
        The module, in evaluation mode.

    Raises:
        EngineError: Keras runs on another backend, or the model is not built.

    Example:

    >>> import keras
    >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)])
    >>> lower(model)(torch.zeros(2, 8, 8, 3)).shape
    torch.Size([2, 6, 6, 4])
    """
    if keras.backend.backend() != "torch":
        raise EngineError(
            f"Keras runs on {keras.backend.backend()}; Residency lowers to torch. "
            "Set KERAS_BACKEND=torch before Keras is imported."
        )
    if not model.built:
        raise EngineError(
            f"model {model.name!r} is not built: its shapes are not known yet. Call it "
            "on a batch, or give its first layer a keras.Input."
        )
    return Lowered(model).eval()


def share_statistics(module: Lowered, sharing: Sharing) -> list[Any]:
    """Lets batch normalization take its statistics over all processes' images.

    Returns:
        The Keras layers that do so; those called as they are do not.
    """
    reached: list[Any] = []

    def shared(norm: BatchNorm) -> BatchNorm:
        reached.append(norm.layer)
        return replace(norm, sharing=sharing)

    calls = []
    for call in module.calls:
        run: Any = call.run
        if isinstance(run, BatchNorm):
            call = replace(call, run=shared(run))
        elif isinstance(run, FoldedConvolution):
            call = replace(
                call, run=FoldedConvolution(run.convolution, shared(run.norm))
            )
        calls.append(call)
    module.calls = tuple(calls)
    return reached


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


def _makes_masks(model: keras.Model) -> bool:
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


class _Trace:
    """Collects the calls of a graph and of the graphs inside it."""

    def __init__(self) -> None:
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
                inner = graph_of(node.operation)
                if inner is not None and _fits(node, inner):
                    self._inline(node, inner)
                else:
                    self._call(node)

    def _inline(self, node: Any, inner: Any) -> None:
        given = keras.tree.flatten(node.arguments.args[0])
        before = dict(self.slots)
        for ours, theirs in zip(given, inner.inputs, strict=True):
            self.slots[id(theirs)] = before[id(ours)]
        self.follow(inner)
        found = [self.slots[id(x)] for x in inner.outputs]
        self.slots = before  # the same graph may be used once more, on other tensors
        for ours, slot in zip(node.outputs, found, strict=True):
            self.slots[id(ours)] = slot

    def _call(self, node: Any) -> None:
        inputs = tuple(self.slots[id(x)] for x in node.input_tensors)
        run, kept = compile_operation(
            node.operation, node.arguments.args, node.arguments.kwargs
        )
        self.calls.append(
            Call(
                node.operation.name,
                node.operation,
                run,
                inputs,
                tuple(self.slot(x) for x in node.outputs),
                kept,
            )
        )


def _fits(node: Any, graph: Any) -> bool:
    """Tells whether a nested model takes the tensors just as they come."""
    args, kwargs = node.arguments.args, node.arguments.kwargs
    if len(args) != 1 or any(v is not None for k, v in kwargs.items() if k == "mask"):
        return False
    given = keras.tree.flatten(args[0])
    return len(given) == len(graph.inputs) and all(
        len(a.shape) == len(b.shape) and a.dtype == b.dtype
        for a, b in zip(given, graph.inputs, strict=True)
    )


def _last_uses(calls: Sequence[Call], keep: Sequence[int]) -> list[tuple[int, ...]]:
    """Returns, call by call, the slots that nobody reads afterwards."""
    seen = set(keep)
    free: list[tuple[int, ...]] = []
    for call in reversed(calls):
        touched = {*call.inputs, *call.outputs}
        free.append(tuple(sorted(touched - seen)))
        seen |= touched
    return free[::-1]
