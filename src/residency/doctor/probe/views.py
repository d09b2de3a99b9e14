"""The numbers of a tensor, without a copy where that can be."""

from typing import Any

import keras
import numpy as np


def view_of(tensor: Any) -> np.ndarray:
    """Returns the numbers of a tensor or variable of any backend.

    On a CPU they are the tensor's own memory: copy what is kept.
    """
    if isinstance(tensor, keras.Variable):
        tensor = tensor.value
    if hasattr(tensor, "detach") and "bfloat16" not in str(tensor.dtype):
        return tensor.detach().cpu().numpy()  # Keras' own way copies
    return np.asarray(keras.ops.convert_to_numpy(tensor))
