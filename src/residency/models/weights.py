"""Weights of a file into a freshly built network of the same layers."""

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from residency.errors import ConfigError
from residency.models.contract import load_model


def load_weights(model: keras.Model, path: str | Path) -> None:
    """Copies the weights of a file into `model`, layer by layer.

    Args:
        model: The network to fill.
        path: A `.keras` file, matched by layer name, or a `.weights.h5` file.

    Raises:
        ConfigError: Another kind of file, or weights, classes or preprocessing that
            are not this model's.
        ExportError: A `.keras` file that cannot be read.
    """
    path = Path(path)
    if path.suffix == ".keras":
        _copy(load_model(path)[0], model, path)
    elif path.name.endswith(".weights.h5") and path.is_file():
        try:
            with warnings.catch_warnings():  # Keras warns where it leaves layers as is
                warnings.simplefilter("error", UserWarning)
                model.load_weights(path)
        except (ValueError, OSError, KeyError, UserWarning) as error:
            raise ConfigError(
                f"{path}: not the weights of {model.name!r} ({_first_line(error)}). "
                "Build the network that the file was saved from."
            ) from error
    else:
        raise ConfigError(
            "weights: expected None or the path of an existing .keras or .weights.h5 "
            f"file, got {str(path)!r}."
        )


def _copy(source: keras.Model, target: keras.Model, path: Path) -> None:
    theirs, ours = _by_name(source), _by_name(target)
    if theirs.keys() != ours.keys():
        odd = sorted(theirs.keys() ^ ours.keys())[0]
        raise ConfigError(
            f"{path}: holds another network than {target.name!r}; layer {odd!r} is in "
            "one of them only. Build the network that the file was saved from."
        )
    for name, layer in ours.items():
        got = [tuple(w.shape) for w in theirs[name].weights]
        expected = [tuple(w.shape) for w in layer.weights]
        if got != expected:
            raise ConfigError(
                f"{path}: layer {name!r} has the shapes {got}, {target.name!r} expects "
                f"{expected}. Is num_classes the same?"
            )
    _require_same_preprocessing(source, target, path)
    for name, layer in ours.items():
        layer.set_weights(theirs[name].get_weights())


def _require_same_preprocessing(
    source: keras.Model, target: keras.Model, path: Path
) -> None:
    theirs, ours = _preprocessing(source), _preprocessing(target)
    for got, expected in zip(theirs, ours, strict=True):
        if np.shape(got) != np.shape(expected) or not np.allclose(got, expected):
            raise ConfigError(
                f"{path}: was trained with another preprocessing than {target.name!r} "
                "was built with. Pass preprocessing= as it was, or use the file as it "
                "is with residency.models.load_model."
            )


def _preprocessing(model: keras.Model) -> tuple[Any, Any, bool]:
    operations = {type(operation).__name__ for operation in model.operations}
    layer: Any = model.get_layer("preprocessing")
    return layer.scale, layer.offset, "Flip" in operations


def _by_name(model: keras.Model) -> dict[str, Any]:
    return {layer.name: layer for layer in model.layers if layer.weights}


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(".")
