"""How an operation of the graph is called: its torch form, or Keras' own."""

from typing import Any

import keras
import torch
from keras import layers
from keras.src.backend.common.variables import AutocastScope

from residency.engine.lowering.call import Run
from residency.engine.lowering.layers import known_layer


def compile_operation(
    operation: Any, args: Any, kwargs: Any, dtype: str | None
) -> tuple[Run, bool]:
    """Returns how an operation of the graph runs, and whether Keras runs it whole.

    Args:
        operation: A Keras layer, model or operation.
        args: Its positional arguments, symbolic tensors among them.
        kwargs: Its named arguments.
        dtype: To which the model around it casts the variables among the arguments of
            operations; `None`: it does not.
    """
    plain = len(args) == 1 and takes_tensors_only(kwargs)
    if isinstance(operation, layers.Layer):
        if plain and not is_special(operation):
            first = keras.tree.flatten(args[0])
            floats = all(keras.backend.is_float_dtype(x.dtype) for x in first)
            run = known_layer(operation, floats)
            if run is not None:
                return _with_casts(operation, run, first, args[0]), False
        return _as_keras_calls_it(operation, args, kwargs, dtype), True
    return _as_keras_calls_it(operation, args, kwargs, dtype), False


def takes_tensors_only(kwargs: Any) -> bool:
    """Tells whether a call names nothing beside `training`, which each call sets."""
    named = {key: value for key, value in kwargs.items() if key != "training"}
    return all(value is None for value in keras.tree.flatten(named))  # masks, say


def is_special(layer: Any) -> bool:
    """Tells whether Keras does more around this layer's `call` than run it."""
    return bool(
        layer.activity_regularizer is not None
        or getattr(layer, "lora_enabled", False)
        or getattr(layer, "quantization_mode", None)
        or not getattr(layer.call, "runs_the_graph", "call" not in vars(layer))
        or _has_hooks(layer)
    )


def _has_hooks(layer: Any) -> bool:
    return bool(
        layer._forward_hooks
        or layer._forward_pre_hooks
        or layer._backward_hooks
        or layer._backward_pre_hooks
    )


def needs_cast(layer: Any, tensors: list[Any]) -> list[bool]:
    """Tells, for each symbolic tensor that a layer takes, whether Keras casts it."""
    return [
        layer.autocast
        and keras.backend.is_float_dtype(x.dtype)
        and x.dtype != layer.input_dtype
        for x in tensors
    ]


def _with_casts(layer: Any, run: Run, tensors: list[Any], struct: Any) -> Run:
    """Adds what Keras does to a layer's inputs: casts, lists of tensors."""
    cast = needs_cast(layer, tensors)
    single = isinstance(struct, keras.KerasTensor)
    if single and not any(cast):
        return run
    dtype = getattr(torch, layer.input_dtype)

    def around(*xs: Any, training: bool) -> Any:
        pairs = zip(xs, cast, strict=True)
        xs = tuple(x.to(dtype) if wanted else x for x, wanted in pairs)
        given = xs[0] if single else keras.tree.pack_sequence_as(struct, xs)
        return run(given, training=training)

    return around


def settings(layer: Any) -> tuple[Any, ...]:
    """Returns what decides how a layer is lowered and may be set at any time."""
    own = vars(layer)
    return (
        own.get("activation"),
        own.get("strides"),
        own.get("padding"),
        own.get("dilation_rate"),
        own.get("activity_regularizer"),
        own.get("_dtype_policy"),
        own.get("lora_enabled"),
        own.get("call"),
        own.get("pool_size"),
        own.get("negative_slope"),
        own.get("max_value"),
        own.get("threshold"),
        layer._functional if isinstance(layer, keras.Sequential) else None,
        _has_hooks(layer),
    )


def _as_keras_calls_it(
    operation: Any, args: Any, kwargs: Any, dtype: str | None
) -> Run:
    """Returns a run through `operation.__call__`, tensors put where they belong."""
    symbolic = [
        x
        for x in keras.tree.flatten((args, kwargs))
        if isinstance(x, keras.KerasTensor)
    ]
    order = {id(x): n for n, x in reversed(list(enumerate(symbolic)))}
    takes_training = "training" in getattr(operation, "_call_context_args", ())

    def run(*tensors: torch.Tensor, training: bool) -> Any:
        def fill(x: Any) -> Any:
            if isinstance(x, keras.Variable):
                with AutocastScope(dtype):
                    return x.value
            return tensors[order[id(x)]] if isinstance(x, keras.KerasTensor) else x

        given: Any = keras.tree.map_structure(fill, args)
        named: Any = keras.tree.map_structure(fill, kwargs)
        if takes_training:
            named = named | {"training": training}
        return operation(*given, **named)

    return run
