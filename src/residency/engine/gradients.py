"""Loss and gradients of one batch of a compiled model, for those who only look."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import torch


@contextmanager
def without_gradients() -> Iterator[None]:
    """Keeps torch from recording what a gradient would need."""
    with torch.no_grad():
        yield


def loss_and_gradients(
    model: keras.Model, forward: Any, loss: Any, x: Any, y: Any, weights: Any
) -> tuple[float, list[torch.Tensor | None]]:
    """Returns the loss in training mode and its gradients.

    Args:
        model: On the torch backend.
        forward: Called as `forward(x, training=True)`: the model, or its lowered form.
        loss: Called as `loss(x, y, weights, outputs)`.
        x: Inputs of a batch.
        y: Their labels.
        weights: One a sample, or `None`.

    Returns:
        The loss, penalties included, and a gradient for each trainable variable, in
        Keras' order; `None` where the loss does not depend on it.
    """
    values = [v.value for v in model.trainable_variables]
    held = [value.grad for value in values]
    for value in values:
        value.grad = None
    try:
        with torch.enable_grad():
            total = loss(x, y, weights, forward(x, training=True))
            if total.requires_grad:
                total.backward()
        return float(total.detach()), [value.grad for value in values]
    finally:
        for value, grad in zip(values, held, strict=True):
            value.grad = grad
