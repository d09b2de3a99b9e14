"""The user's own Keras model, its `fit`, `evaluate` and `predict` at torch's speed."""

import warnings
from typing import Any

import keras

from residency.engine.lowering import Lowered, lower
from residency.engine.lowering.program import graph_of
from residency.engine.step import PRECISIONS, autocast
from residency.errors import EngineError


def accelerate(model: keras.Model, *, precision: str = "float32") -> keras.Model:
    """Makes the model run lowered from now on, and returns the same model.

    Only what happens inside the model's `call` changes: data, losses, metrics,
    callbacks, optimizers and schedules stay Keras' own, so `fit`, `evaluate`,
    `predict`, `train_on_batch` and calling the model do what they did before, faster.
    Saving, loading, `set_weights` and `trainable` work as before; a change of
    `trainable` counts from the next step on. A saved model is an ordinary one.

    Args:
        model: A Functional or Sequential model on the torch backend. Another kind of
            model is returned as it is, with a warning.
        precision: `"float32"`: as the model's own dtypes say. `"bfloat16"` or
            `"float16"`: convolutions and products in that type, over variables as
            they are.

    Returns:
        `model` itself.

    Raises:
        EngineError: An unknown precision, another backend than torch, or a model whose
            shapes are not known yet.

    Example:

    >>> import keras
    >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    >>> accelerate(model) is model
    True
    """
    if precision not in ("float32", *PRECISIONS):
        raise EngineError(
            f"precision: expected float32, {' or '.join(PRECISIONS)}, "
            f"got {precision!r}."
        )
    model.__dict__.pop("call", None)  # it may be accelerated already
    if graph_of(model) is None and model.built:
        return _unchanged(model, "it has a call of its own, so there is no graph")
    if getattr(model, "jit_compile", False) is True:
        return _unchanged(model, "it was compiled with jit_compile=True")
    _Accelerated(model, precision)
    return model


class _Accelerated:
    """Stands in for one model's `call`."""

    def __init__(self, model: keras.Model, precision: str) -> None:
        self.keras_call = model.call
        self.model = model
        self.precision = precision
        self.module: Lowered = lower(model)
        self.graph: Any = graph_of(model)
        model.__dict__["call"] = self

    def __call__(
        self, inputs: Any, training: bool | None = None, mask: Any = None, **named: Any
    ) -> Any:
        if mask is not None or named:
            return self.keras_call(inputs, training=training, mask=mask, **named)
        current = getattr(self.model, "_functional", self.model)
        if current is not self.graph:  # a layer was added to a Sequential
            del self.model.__dict__["call"]
            self.module, self.graph = lower(self.model), graph_of(self.model)
            self.model.__dict__["call"] = self
        device = self.model.variables[0].value.device if self.model.variables else None
        if device is None:
            return self.module(inputs, training=bool(training))
        with autocast(device, self.precision):
            return self.module(inputs, training=bool(training))


def _unchanged(model: keras.Model, why: str) -> keras.Model:
    warnings.warn(
        f"model {model.name!r} runs as before, not faster: {why}.", stacklevel=3
    )
    return model
