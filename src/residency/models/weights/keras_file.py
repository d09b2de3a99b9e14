"""Reads the weights of a `.keras` file through `load_model`, with their traits."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from residency.models.contract import load_model
from residency.models.weights.traits import to_json, traits_of


def read_keras(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Returns the arrays by the paths of the model's variables, and its metadata.

    Raises:
        ExportError: As `residency.models.load_model`.
    """
    model, contract = load_model(path)
    arrays = {w.path: np.asarray(keras.ops.convert_to_numpy(w)) for w in model.weights}
    traits = traits_of(model)
    if traits.preprocessing is None:  # not a network of ours: its names must tell
        return arrays, {}
    return arrays, to_json(traits, contract.class_names if contract else ())
