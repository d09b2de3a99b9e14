"""Training steps on the model itself, by hand: nothing is compiled anew."""

import copy
from typing import Any

import keras
import numpy as np

from residency.doctor.probe.source import Batch


class Stepper:
    """Computes loss and gradients, and steps with optimizers of its own.

    The caller puts the weights back.

    Args:
        model: Compiled, or not: then `loss` is given.
        loss: A Keras loss, for a model that is not compiled.
    """

    def __init__(self, model: keras.Model, loss: Any = None) -> None:
        self.model = model
        self.given_loss = loss
        self.penalised = True
        self.backend = keras.backend.backend()
        self._forward: Any = model
        self._compiled: Any = None
        if self.backend == "torch":
            from residency.engine import lower

            self._forward = lower(model)

    def without_penalties(self) -> "Stepper":
        """Returns one whose loss leaves out what layers and regularizers add.

        A loss that the model computes in a way of its own, or that its layers alone
        make up, stays whole.
        """
        plain = copy.copy(self)
        model: Any = self.model
        own = type(model).compute_loss is not keras.Model.compute_loss
        whole = own or getattr(model, "_compile_loss", None) is None
        plain.penalised, plain._compiled = whole and self.given_loss is None, None
        return plain

    def loss(self, x: Any, y: Any, weights: Any, outputs: Any) -> Any:
        """Returns the loss of outputs as a tensor."""
        if self.given_loss is not None:
            penalties = self.model.losses if self.penalised else []
            return sum(penalties, self.given_loss(y, outputs))
        if not self.penalised:
            return self._data_loss(y, outputs, weights)
        return self.model.compute_loss(
            x=x, y=y, y_pred=outputs, sample_weight=weights, training=True
        )

    def _data_loss(self, y: Any, outputs: Any, weights: Any) -> Any:
        model: Any = self.model
        return model._compile_loss(y, outputs, weights)

    def gradients(self, batch: Batch) -> tuple[float, list[Any]]:
        """Returns the loss in training mode and a gradient for each variable.

        Statistics move as in training.
        """
        x, y, weights = map_arrays(as_tensor, batch)
        if self.backend == "torch":
            from residency.engine.gradients import loss_and_gradients

            return loss_and_gradients(
                self.model, self._forward, self.loss, x, y, weights
            )
        if self.backend == "tensorflow":
            return self._by_tape(x, y, weights)
        return self._by_jax(x, y, weights)

    def step(self, optimizer: Any, batch: Batch) -> float:
        """Takes one step and returns the loss before it."""
        loss, gradients = self.gradients(batch)
        pairs = [
            (gradient, variable)
            for gradient, variable in zip(
                gradients, self.model.trainable_variables, strict=True
            )
            if gradient is not None
        ]
        if pairs and np.isfinite(loss):
            optimizer.apply(*map(list, zip(*pairs, strict=True)))
        return loss

    def evaluate(self, batch: Batch) -> float:
        """Returns the loss in inference mode."""
        return self._loss_of(self.model, batch, training=False)

    def training_loss(self, batch: Batch) -> float:
        """Returns the loss in training mode; statistics move."""
        return self._loss_of(self._forward, batch, training=True)

    def _loss_of(self, forward: Any, batch: Batch, *, training: bool) -> float:
        x, y, weights = map_arrays(as_tensor, batch)
        if self.backend == "torch":
            from residency.engine.gradients import without_gradients

            with without_gradients():
                outputs = forward(x, training=training)
                return float(self.loss(x, y, weights, outputs))
        outputs = forward(x, training=training)
        return float(self.loss(x, y, weights, outputs))

    def _by_tape(self, x: Any, y: Any, weights: Any) -> tuple[float, list[Any]]:
        import tensorflow  # pyright: ignore[reportMissingImports]

        with tensorflow.GradientTape() as tape:
            loss = self.loss(x, y, weights, self.model(x, training=True))
        values = [v.value for v in self.model.trainable_variables]
        found = tape.gradient(loss, values)
        return float(loss), [
            None if g is None else tensorflow.convert_to_tensor(g) for g in found
        ]

    def _by_jax(self, x: Any, y: Any, weights: Any) -> tuple[float, list[Any]]:
        model: Any = self.model
        if self._compiled is None:
            self._compiled = self._compile_for_jax()
        fixed = [v.value for v in model.non_trainable_variables]
        values = [v.value for v in model.trainable_variables]
        (loss, moved), found = self._compiled(values, fixed, x, y, weights)
        for variable, value in zip(model.non_trainable_variables, moved, strict=True):
            variable.assign(value)
        return float(loss), list(found)

    def _compile_for_jax(self) -> Any:
        import jax  # pyright: ignore[reportMissingImports]

        model: Any = self.model

        def total(values: Any, fixed: Any, x: Any, y: Any, weights: Any) -> Any:
            outputs, moved, losses = model.stateless_call(
                values, fixed, x, training=True, return_losses=True
            )
            if self.given_loss is None:
                found = self._data_loss(y, outputs, weights)
            else:
                found = self.given_loss(y, outputs)
            return sum(losses if self.penalised else [], found), moved

        return jax.jit(jax.value_and_grad(total, has_aux=True))


def map_arrays(function: Any, batch: Batch) -> tuple[Any, Any, Any]:
    """Applies a function to each array of a batch; `None` stays."""
    return tuple(
        None if part is None else keras.tree.map_structure(function, part)
        for part in batch
    )  # pyright: ignore[reportReturnType]


def as_tensor(array: Any) -> Any:
    """Returns an array as a tensor of the backend, floats as Keras' float."""
    array = np.asarray(array)
    dtype = keras.backend.floatx() if array.dtype.kind == "f" else None
    return keras.ops.convert_to_tensor(np.ascontiguousarray(array), dtype=dtype)


def fresh_optimizer(optimizer: Any, rate: float) -> Any:
    """Returns an optimizer of the same settings with a state and a rate of its own."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    config = dict(optimizer.get_config())
    config["learning_rate"] = rate
    for name in ("loss_scale_factor", "gradient_accumulation_steps"):
        if name in config:
            config[name] = None
    return type(optimizer).from_config(config)
