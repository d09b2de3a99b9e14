"""The seam between a Keras model and the engine: images in, logits out."""

from typing import Any, NamedTuple

import keras
import numpy as np
import torch

from residency.engine.lowering import lower
from residency.engine.lowering.operation import is_special
from residency.engine.precision import autocast, require_precision
from residency.engine.processor import keep_freed_memory
from residency.errors import EngineError


class Trainable(NamedTuple):
    """A variable that training moves."""

    path: str
    value: torch.nn.Parameter
    """The tensor of the Keras variable, in its Keras shape."""
    view: torch.Tensor
    """The same memory, kernels of convolutions with their outputs first, as they lie
    there: contiguous, so that an optimizer goes over it in one pass."""

    def share_gradient(self) -> None:
        """Gives the gradient of `value` to `view`, without a copy."""
        grad = self.value.grad
        self.view.grad = None if grad is None else outputs_first(grad)


class Network:
    """A Keras model as the engine sees it, lowered to torch on the same storage.

    Args:
        model: Takes images `(batch, height, width, channels)`, gives
            probabilities `(batch, classes)` through a softmax, or logits; or that of
            the second of two classes, `(batch, 1)`, through a sigmoid, or its logit.
        precision: Of the products: `"float32"`, or `"bfloat16"`, `"float16"` (CUDA).

    Raises:
        EngineError: Keras runs on another backend than torch, or the model does
            not give one row of class scores an image, or one number of which it is
            not plain whether it is a probability.
    """

    def __init__(self, model: keras.Model, precision: str = "float32") -> None:
        if keras.backend.backend() != "torch":
            raise EngineError(
                f"Keras runs on {keras.backend.backend()}; Residency trains on torch. "
                "Set KERAS_BACKEND=torch before Keras is imported."
            )
        if len(model.inputs) != 1 or len(model.outputs) != 1:
            raise EngineError(
                f"model {model.name!r}: expected one input and one output, got "
                f"{len(model.inputs)} and {len(model.outputs)}."
            )
        if not model.variables:
            raise EngineError(f"model {model.name!r} has no weights to train or use.")
        self.model = self.part = model
        scores = without_activation(model)
        self.single = model.outputs[0].shape[-1] == 1
        self._gives_probabilities: bool | None = None  # known after the first batch
        if self.single:
            self._gives_probabilities = scores is model and _ends_in_sigmoid(model)
        self.module = lower(scores)
        self._views: dict[str, torch.Tensor] = {}
        self.device = model.variables[0].value.device
        require_precision(precision, self.device)
        if self.device.type == "cpu":
            keep_freed_memory()
        self.precision = precision
        self.num_classes: int = 2 if self.single else model.outputs[0].shape[-1]

    def logits(
        self, images: np.ndarray | torch.Tensor, *, training: bool
    ) -> torch.Tensor:
        """Returns float32 logits `(batch, classes)` of uint8 `images`."""
        pixels = torch.as_tensor(images).to(self.device, non_blocking=True).float()
        with autocast(self.device, self.precision):
            scores = self.module(pixels, training=training).float()
        if self.single and self._gives_probabilities:
            return (torch.cat([1 - scores, scores], dim=1) + 1e-7).log()
        if self.single:
            # Softmax of (0, z) is (1 - sigmoid(z), sigmoid(z)), and their cross-entropy
            # the binary one of z.
            return torch.cat([torch.zeros_like(scores), scores], dim=1)
        if self._gives_probabilities is None:
            self._gives_probabilities = _are_probabilities(scores)
        # A softmax hidden in a user's own layer cannot be taken off: its log is as
        # good, to a constant that the next softmax takes away.
        return (scores + 1e-7).log() if self._gives_probabilities else scores

    def penalty(self) -> torch.Tensor | None:
        """Returns the sum of the layers' own losses, such as Keras regularizers."""
        losses = self.model.losses
        return torch.stack([x.reshape(()) for x in losses]).sum() if losses else None

    def trainable(self) -> list[Trainable]:
        """Returns the trainable variables in Keras' order; the views stay the same."""
        found = []
        for variable in self.model.trainable_variables:
            # detached and not `.data`: a change of one counts as one of the other
            view = outputs_first(variable.value.detach())
            view = self._views.setdefault(variable.path, view)
            found.append(Trainable(variable.path, variable.value, view))
        return found

    def moving(self) -> list[torch.Tensor]:
        """Returns what a pass in training may move: statistics, random seeds.

        Those of frozen batch normalization stand still.
        """
        still = {
            id(variable)
            for layer in self.model._flatten_layers()
            for variable in (
                layer.variables
                if _is_frozen_norm(layer)
                else layer._trainable_variables
            )
        }
        return [v.value for v in self.model.variables if id(v) not in still]

    def is_finite(self) -> bool:
        """Tells whether no variable holds NaN or infinity."""
        floats = [v.value for v in self.model.variables if v.value.is_floating_point()]
        return all(bool(value.isfinite().all()) for value in floats)

    def variables(self) -> dict[str, torch.Tensor]:
        """Returns every variable's tensor, in order, by number and name.

        The path is left out: it holds the model's own name, which Keras may change.
        """
        return {
            f"{n:04d}/{v.name}": v.value for n, v in enumerate(self.model.variables)
        }


def _is_frozen_norm(layer: Any) -> bool:
    return type(layer) is keras.layers.BatchNormalization and not layer.trainable


def outputs_first(tensor: torch.Tensor) -> torch.Tensor:
    """Returns a kernel `(height, width, in, out)` as `(out, height, width, in)`."""
    return tensor.permute(3, 0, 1, 2) if tensor.ndim == 4 else tensor


def without_activation(model: keras.Model) -> keras.Model:
    """Returns a model on the same variables that ends before the final activation.

    That is a softmax, or where there is one output a sigmoid. It may be a layer, an
    operation, the activation of a `Dense` layer, or the end of a model inside the
    model. If none of these is found at the end, or one with LoRA, a quantized kernel,
    hooks or a penalty of its own, the model itself is returned.
    """
    history: Any = model.outputs[0]._keras_history
    last = history.operation
    inputs = last._inbound_nodes[history.node_index].input_tensors
    special = isinstance(last, keras.layers.Layer) and is_special(last)
    if len(inputs) != 1 or special:
        return model
    [before] = inputs
    single = model.outputs[0].shape[-1] == 1
    final = keras.activations.sigmoid if single else keras.activations.softmax
    if isinstance(last, keras.Model):
        inside = without_activation(last)
        return model if inside is last else keras.Model(model.inputs, inside(before))
    if type(last).__name__ == ("Sigmoid" if single else "Softmax"):
        return keras.Model(model.inputs, before)
    if getattr(last, "activation", None) is not final:
        return model
    if isinstance(last, keras.layers.Activation):
        return keras.Model(model.inputs, before)
    if type(last) is keras.layers.Dense:
        scores: Any = keras.ops.matmul(before, last.kernel)
        return keras.Model(
            model.inputs, scores + last.bias if last.use_bias else scores
        )
    return model


def _ends_in_sigmoid(model: keras.Model) -> bool:
    """Tells whether the one output is a probability, and not a logit.

    Raises:
        EngineError: It is not plain which of them it is.
    """
    last: Any = model.outputs[0]._keras_history.operation
    if isinstance(last, keras.Model):
        return _ends_in_sigmoid(last)
    activation = getattr(last, "activation", None)
    if activation is keras.activations.sigmoid or type(last).__name__ == "Sigmoid":
        return True
    if activation is keras.activations.linear:
        return False
    raise EngineError(
        f"model {model.name!r} has one output and ends in {type(last).__name__} "
        f"{last.name!r}: expected a sigmoid, or a Dense layer without activation."
    )


def _are_probabilities(scores: torch.Tensor) -> bool:
    """Tells whether all rows are at least 0 and sum to 1."""
    sums = scores.detach().sum(dim=1)
    positive = bool((scores >= 0).all())
    return positive and bool(torch.allclose(sums, torch.ones_like(sums), atol=1e-3))
