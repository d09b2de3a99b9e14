"""The user's own Keras model, its `fit`, `evaluate` and `predict` at torch's speed."""

import warnings
from functools import partial
from typing import Any

import keras
import torch
from keras.src.backend.common.stateless_scope import in_stateless_scope
from keras.src.backend.torch.core import get_device

from residency.engine.lowering import Lowered, lower
from residency.engine.lowering.layout import lay_out_like
from residency.engine.lowering.trace import graph_of, makes_masks
from residency.engine.precision import autocast, require_precision


def accelerate(model: keras.Model, *, precision: str = "float32") -> keras.Model:
    """Makes the model run lowered from now on, and returns the same model.

    Only what happens inside the model's `call` changes: data, losses, metrics,
    callbacks, optimizers and schedules stay Keras' own, so `fit`, `evaluate`,
    `predict`, `train_on_batch` and calling the model do what they did before, faster.
    Saving, loading, `set_weights` and `trainable` work as before; a change of
    `trainable`, or of a layer's activation, hooks, regularizer, LoRA or quantization,
    counts from the next step on. Dtype policies are those that the layers were called
    with. A saved or copied model is an ordinary one.

    Args:
        model: A Functional or Sequential model on the torch backend. Another kind of
            model, or one with masks, is returned as it is, with a warning.
        precision: `"float32"`: as the model's own dtypes say. `"bfloat16"` or
            `"float16"`: convolutions and products in that type, over variables as
            they are.

    Returns:
        `model` itself.

    Raises:
        EngineError: An unknown precision or one that the device has not, another
            backend than torch, or a model whose shapes are not known yet.

    Example:

    >>> import keras
    >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    >>> accelerate(model) is model
    True
    """
    require_precision(precision, torch.device(get_device()))
    if graph_of(model) is None and model.built:
        return _unchanged(model, "it has a call of its own, so there is no graph")
    if model.built and makes_masks(model):
        return _unchanged(model, "it has masks, which only Keras carries along")
    if getattr(model, "jit_compile", False) is True:
        return _unchanged(model, "it was compiled with jit_compile=True")
    model.__dict__["call"] = _Accelerated(model, precision)
    return model


class _Accelerated:
    """Stands in for one model's `call`."""

    runs_the_graph = True
    """Lowering may look past it: it gives what the graph gives."""

    def __init__(self, model: keras.Model, precision: str) -> None:
        self.keras_call = partial(type(model).call, model)
        self.model = model
        self.precision = precision
        self.optimizer: Any = None  # whose state lies as the variables do
        self._lower()

    @property
    def _is_current(self) -> bool:
        """No layer came to a Sequential or has another activation, hooks, ..."""
        return graph_of(self.model) is self.graph and self.module.is_current

    def _lower(self) -> None:
        self.module: Lowered = lower(self.model)
        self.module.checks_shapes = False  # Keras did, and takes more of them
        self.graph: Any = graph_of(self.model)

    def __call__(
        self, inputs: Any, training: bool | None = None, mask: Any = None, **named: Any
    ) -> Any:
        plain = mask is None and not named and not in_stateless_scope()
        if plain and not self._is_current:
            self._lower()
        unsaid = training is None and self.module.decides_training
        if not plain or unsaid or self.module.is_whole:
            return self.keras_call(inputs, training=training, mask=mask, **named)
        if training:
            self._lay_out_state()
        device = self.model.variables[0].value.device if self.model.variables else None
        if device is None:
            return self.module(inputs, training=bool(training))
        with autocast(device, self.precision):
            return self.module(inputs, training=bool(training))

    def _lay_out_state(self) -> None:
        """Puts momenta and the like in the order in memory of their variables, once.

        Kernels were laid out anew; to move them by what lies otherwise is slow.
        """
        optimizer: Any = getattr(self.model, "optimizer", None)
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of a loss scale
        if optimizer is self.optimizer or not getattr(optimizer, "built", False):
            return
        self.optimizer = optimizer
        trained = optimizer._trainable_variables
        for states in vars(optimizer).values():
            if isinstance(states, list) and len(states) == len(trained):
                for state, variable in zip(states, trained, strict=True):
                    if isinstance(state, keras.Variable):
                        lay_out_like(state, variable.value)


def _unchanged(model: keras.Model, why: str) -> keras.Model:
    warnings.warn(
        f"model {model.name!r} runs as before, not faster: {why}.", stacklevel=3
    )
    return model
