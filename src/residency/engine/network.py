"""The seam between a Keras model and the engine: images in, logits out."""

from typing import Any

import keras
import numpy as np
import torch

from residency.engine.lowering import lower
from residency.errors import EngineError


class Network:
    """A Keras model as the engine sees it, lowered to torch on the same storage.

    Args:
        model: Takes images `(batch, height, width, channels)`, gives
            probabilities `(batch, classes)` through a softmax, or logits.

    Raises:
        EngineError: Keras runs on another backend than torch, or the model does
            not give one row of class scores an image.
    """

    def __init__(self, model: keras.Model) -> None:
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
        self.model = model
        self.module = lower(without_softmax(model))
        self._gives_probabilities: bool | None = None  # known after the first batch
        self.device = model.variables[0].value.device
        self.num_classes: int = model.outputs[0].shape[-1]

    def logits(self, images: np.ndarray, *, training: bool) -> torch.Tensor:
        """Returns float32 logits `(batch, classes)` of uint8 `images`."""
        pixels = torch.from_numpy(images).to(self.device, torch.float32)
        scores = self.module(pixels, training=training).float()
        if self._gives_probabilities is None:
            self._gives_probabilities = _are_probabilities(scores)
        # A softmax hidden in a user's own layer cannot be taken off: its log is as
        # good, to a constant that the next softmax takes away.
        return (scores + 1e-7).log() if self._gives_probabilities else scores

    def penalty(self) -> torch.Tensor | None:
        """Returns the sum of the layers' own losses, such as Keras regularizers."""
        if not self.model.losses:
            return None
        return torch.stack([loss.reshape(()) for loss in self.model.losses]).sum()

    def trainable(self) -> list[tuple[str, torch.nn.Parameter]]:
        """Returns path and tensor of each trainable variable, in Keras' order."""
        return [(v.path, v.value) for v in self.model.trainable_variables]

    def variables(self) -> dict[str, torch.Tensor]:
        """Returns every variable's tensor, in order, by number and name.

        The path is left out: it holds the model's own name, which Keras may change.
        """
        return {
            f"{n:04d}/{v.name}": v.value for n, v in enumerate(self.model.variables)
        }


def without_softmax(model: keras.Model) -> keras.Model:
    """Returns a model on the same variables that ends before the final softmax.

    The softmax may be a layer, an operation, the activation of a `Dense` layer, or
    the end of a model inside the model. If none of these is found at the end, the
    model itself is returned.
    """
    last: Any = model.outputs[0]._keras_history.operation
    if len(last._inbound_nodes) != 1:  # used twice: which call is meant is not plain
        return model
    before = last._inbound_nodes[0].input_tensors[0]
    if isinstance(last, keras.Model):
        inside = without_softmax(last)
        return model if inside is last else keras.Model(model.inputs, inside(before))
    if isinstance(last, keras.layers.Softmax) or type(last).__name__ == "Softmax":
        return keras.Model(model.inputs, before)
    if getattr(last, "activation", None) is not keras.activations.softmax:
        return model
    if isinstance(last, keras.layers.Activation):
        return keras.Model(model.inputs, before)
    if type(last) is keras.layers.Dense:
        scores: Any = keras.ops.matmul(before, last.kernel)
        return keras.Model(
            model.inputs, scores + last.bias if last.use_bias else scores
        )
    return model


def _are_probabilities(scores: torch.Tensor) -> bool:
    """Tells whether all rows are at least 0 and sum to 1."""
    sums = scores.detach().sum(dim=1)
    positive = bool((scores >= 0).all())
    return positive and bool(torch.allclose(sums, torch.ones_like(sums), atol=1e-3))
