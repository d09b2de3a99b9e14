"""The seam between a Keras model and the engine: images in, logits out."""

import keras
import numpy as np
import torch

from residency.errors import EngineError


class Network:
    """A Keras model as the engine sees it; the Keras layers run as they are.

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
        self.model = model
        self._scores, self._softmax_inside = _before_softmax(model)
        self.device = model.variables[0].value.device
        self.num_classes: int = model.outputs[0].shape[-1]

    def logits(self, images: np.ndarray, *, training: bool) -> torch.Tensor:
        """Returns float32 logits `(batch, classes)` of uint8 `images`."""
        pixels = torch.from_numpy(images).to(self.device, torch.float32)
        scores = self._scores(pixels, training=training)
        if self._softmax_inside:
            # The softmax could not be taken off, so its clipped log stands in.
            return scores.float().clamp(1e-7, 1.0).log()
        return scores.float()

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


def _before_softmax(model: keras.Model) -> tuple[keras.Model, bool]:
    """Returns the model without its final softmax, and whether one is left inside."""
    last = model.layers[-1]
    activation = getattr(last, "activation", None)
    if isinstance(last, keras.layers.Softmax) or (
        isinstance(last, keras.layers.Activation)
        and activation is keras.activations.softmax
    ):
        return keras.Model(model.inputs, last.input, name=f"{model.name}_logits"), False
    return model, activation is keras.activations.softmax
