"""The module that runs a Keras model as a flat list of calls."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import keras
import torch
from keras.src.backend.common.variables import AutocastScope, get_autocast_scope

from residency.engine.lowering.call import Call
from residency.engine.lowering.folding import FoldedConvolution
from residency.engine.lowering.fusion import fuse
from residency.engine.lowering.normalization import BatchNorm
from residency.engine.lowering.operation import settings
from residency.engine.lowering.shared_statistics import Sharing
from residency.engine.lowering.trace import Trace, cast_inside, graph_of, makes_masks
from residency.engine.precision import autocast_dtype
from residency.errors import EngineError


class Lowered(torch.nn.Module):
    """A Keras model as a torch module that shares the storage of its variables.

    Args:
        model: See `lower`.
        joined: Neighbouring calls run as one where that is faster; else each layer
            is a call of its own.

    Tensors have Keras' shapes and order of axes throughout: what is
    `(batch, height, width, channels)` in Keras is that here, and torch's
    convolutions see it through a permutation, which copies nothing.

    Attributes:
        calls: What runs, in order.
        kept: Names of the layers that are called as the Keras layers they are.
        checks_shapes: Tensors of other shapes than the model's are refused.
        decides_training: Some layer decides by itself whether it trains when the
            call of the model does not say.
    """

    def __init__(self, model: keras.Model, joined: bool = True) -> None:
        super().__init__()
        self._keras = (model,)  # in a tuple: a module's attribute would be its child
        trace = Trace(cast_inside(model, None))
        graph = None if makes_masks(model) else graph_of(model)
        if graph is None:
            trace.calls.append(Call(model.name, model, model, (0,), (1,), kept=True))
            self._inputs, self._outputs = (0,), (1,)
            self._dtypes: tuple[torch.dtype, ...] = ()
        else:
            self._inputs = tuple(trace.slot(x) for x in graph.inputs)
            trace.follow(graph)
            self._outputs = tuple(trace.slots[id(x)] for x in graph.outputs)
            self._dtypes = tuple(getattr(torch, x.dtype) for x in graph.outputs)
        self.checks_shapes = True
        self._graph = (graph,)
        self.decides_training = trace.decides_training
        calls = fuse(trace.calls, keep=self._outputs) if joined else trace.calls
        self.calls = tuple(calls)
        written = (slot for call in calls for slot in call.outputs)
        self._size = 1 + max(*self._inputs, *written)
        self.kept = tuple(call.name for call in self.calls if call.kept)
        self._free = _last_uses(self.calls, keep=self._outputs)
        self._layers = (model._flatten_layers(include_self=False),)  # no children
        self._settings = self._read_settings()
        for number, variable in enumerate(model.variables):
            name = f"{number:04d}/{variable.path}".replace(".", "_")
            self.register_parameter(name, variable.value)

    @property
    def model(self) -> keras.Model:
        """The Keras model that was lowered."""
        return self._keras[0]

    @property
    def is_whole(self) -> bool:
        """Tells whether Keras runs the model as a whole."""
        return self._graph[0] is None

    @property
    def is_current(self) -> bool:
        """Tells whether the layers are still set as they were when it was made."""
        return self._settings == self._read_settings()

    def _read_settings(self) -> list[Any]:
        return [settings(layer) for layer in self._layers[0]]

    def forward(
        self,
        inputs: Any,
        training: bool | None = None,
        watch: Callable[[Call, Any], None] | None = None,
    ) -> Any:
        """Runs the model.

        Args:
            inputs: What the Keras model takes: a tensor `(batch, ...)`, or a list or
                dict of them.
            training: Batch statistics and dropout on; `None`: as `train()` or
                `eval()` set the module.
            watch: Called with each call and what it returned: where two calls read
                the end of a block, a pair of one and the same tensor.

        Returns:
            What the Keras model gives, in the dtypes it gives.

        Raises:
            EngineError: A tensor has not the shape that the model takes.
        """
        graph = self._graph[0]
        training = self.training if training is None else training
        if graph is None:
            results = self.calls[0].run(inputs, training=training)
            if watch is not None:
                watch(self.calls[0], results)
            return results
        with _inside(self.model, training):
            return self._run(graph, inputs, training, watch)

    def _run(
        self,
        graph: Any,
        inputs: Any,
        training: bool,
        watch: Callable[[Call, Any], None] | None,
    ) -> Any:
        given = graph._standardize_inputs(inputs)
        if self.checks_shapes:
            _require_shapes(self.model, graph.inputs, given)
        values: list[Any] = [None] * self._size
        for slot, value in zip(self._inputs, given, strict=True):
            values[slot] = value
        for call, free in zip(self.calls, self._free, strict=True):
            results = call.run(*[values[n] for n in call.inputs], training=training)
            if watch is not None:
                watch(call, results)
            if len(call.outputs) == 1:
                values[call.outputs[0]] = results
            else:
                for slot, value in zip(
                    call.outputs, keras.tree.flatten(results), strict=True
                ):
                    values[slot] = value
            for slot in free:
                values[slot] = None
        outputs = [values[slot] for slot in self._outputs]
        if outputs and autocast_dtype(outputs[0].device) is not None:
            pairs = zip(outputs, self._dtypes, strict=True)
            outputs = [value.to(dtype) for value, dtype in pairs]
        packed = keras.tree.pack_sequence_as(graph._outputs_struct, outputs)
        single = isinstance(packed, list | tuple) and len(packed) == 1
        return packed[0] if single else packed


def lower(model: keras.Model) -> Lowered:
    """Returns `model` as one torch module on the storage of its variables.

    Training the module trains the model: nothing is copied, so `model.save`,
    `get_weights`, `set_weights`, `assign` and `trainable` go on working. Kernels of
    convolutions keep their Keras shape and are laid out anew in memory once, as
    torch's channels-last kernels want them.

    Momenta, dropout rates and the like are read at each call; activations, strides and
    padding, hooks, dtypes and the graph are those of now: `is_current` tells whether to
    lower again.

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
    with torch.inference_mode(False):  # or no kernel could be trained later
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
        elif isinstance(run, FoldedConvolution) and run.norm is not None:
            call = replace(call, run=replace(run, norm=shared(run.norm)))
        calls.append(call)
    module.calls = tuple(calls)
    return reached


def _require_shapes(model: Any, wanted: Sequence[Any], given: Sequence[Any]) -> None:
    for symbolic, tensor in zip(wanted, given, strict=True):
        # of any batch, also where the model was built with one
        shape, found = (None, *symbolic.shape[1:]), tuple(tensor.shape)
        fits = len(shape) == len(found) and all(
            a in (None, b) for a, b in zip(shape, found, strict=True)
        )
        if not fits:
            raise EngineError(
                f"model {model.name!r}: expected {symbolic.name!r} of shape {shape}, "
                f"got {found}. None stands for any size."
            )


@contextmanager
def _inside(model: Any, training: bool) -> Iterator[None]:
    """Is to the layers what a call of the model by Keras is.

    They learn whether it trains, and the losses that they add count together. Variables
    keep their dtype: the lowered layers cast them, and Keras' own see to themselves.
    """
    model._get_call_context().set_value("training", training)
    try:
        with AutocastScope(None) if get_autocast_scope() else nullcontext():
            yield
    finally:
        model._maybe_reset_call_context()


def _last_uses(calls: Sequence[Call], keep: Sequence[int]) -> list[tuple[int, ...]]:
    """Returns, call by call, the slots that nobody reads afterwards."""
    seen = set(keep)
    free: list[tuple[int, ...]] = []
    for call in reversed(calls):
        touched = {*call.inputs, *call.outputs}
        free.append(tuple(sorted(touched - seen)))
        seen |= touched
    return free[::-1]
