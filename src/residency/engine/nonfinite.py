"""Where NaN and infinity come from: one batch through the network, layer by layer."""

from typing import Any

import keras
import numpy as np
import torch

from residency.engine.lowering import Lowered
from residency.engine.lowering.call import Call


def where_not_finite(model: keras.Model, images: np.ndarray | torch.Tensor) -> str:
    """Returns the first layer whose variables or results are not finite, in words.

    The model runs in training mode and is left as it was.

    Args:
        model: Takes `images`.
        images: uint8, `(batch, height, width, channels)`.

    Example:

    >>> inputs = keras.Input((2, 2, 1))
    >>> model = keras.Model(inputs, keras.layers.Rescaling(1e38, name="scale")(inputs))
    >>> where_not_finite(model, np.full((1, 2, 2, 1), 9, np.uint8))
    "layer 'scale' (Rescaling) is the first to give values that are not finite"
    """
    before = [variable.value.detach().clone() for variable in model.variables]
    found: list[str] = []

    def look(call: Call, results: Any) -> None:
        if found:
            return
        name = f"layer {call.name!r} ({type(call.operation).__name__})"
        for variable in getattr(call.operation, "variables", ()):
            if not _finite(variable.value):
                found.append(f"the {variable.name} of {name} is not finite any more")
                return
        if not all(_finite(each) for each in keras.tree.flatten(results)):
            found.append(f"{name} is the first to give values that are not finite")

    device = model.variables[0].value.device if model.variables else torch.device("cpu")
    with torch.no_grad():
        pixels = torch.as_tensor(images).to(device, torch.float32)
        Lowered(model, joined=False)(pixels, training=True, watch=look)
        for variable, value in zip(model.variables, before, strict=True):
            variable.value.copy_(value)
    return found[0] if found else "in training mode, every layer's values are finite"


def _finite(value: torch.Tensor) -> bool:
    return bool(value.isfinite().all()) if value.is_floating_point() else True
