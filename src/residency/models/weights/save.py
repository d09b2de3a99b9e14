"""Weights out: each file is written beside its name, read back, compared, renamed."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from residency.errors import ConfigError, ExportError
from residency.files import replacing
from residency.models.contract import Contract, load_model, save_model
from residency.models.weights.file import Kind, read_as
from residency.models.weights.traits import METADATA, to_json, traits_of

FORMATS: tuple[Kind, ...] = ("keras", "weights.h5", "h5", "safetensors")
"""What `save_weights` writes; the ending of a file's name."""

_LONGEST_ATTRIBUTE = 64_512  # bytes: keras.src.legacy.saving.legacy_h5_format


def save_weights(
    model: keras.Model, path: str | Path, contract: Contract | None = None
) -> None:
    """Writes the weights of a model, whole or not at all, and reads them back.

    The file also says what the network expects of its pixels and what its classes are
    called, so that `residency.models.build` builds for it.

    Args:
        model: A network of the catalog, or one like it.
        path: Ends in `.keras`, the whole model; `.weights.h5`, the weights as Keras 3
            has them; `.h5`, as Keras 1 and 2 had them; or `.safetensors`, by the paths
            of the variables. Folders are made, an older file is replaced.
        contract: Names the classes; a `.keras` file holds all of it.

    Raises:
        ConfigError: Another ending; a mean image or too many long class names, which
            the HDF5 files cannot hold; or two weights of one name, which only the files
            of Keras 3 can.
        ExportError: The file cannot be written, or does not read back as it was
            written; an older one is untouched.
    """
    path = Path(path)
    kind = _kind(path)
    names = contract.class_names if contract else ()
    said = json.dumps(to_json(traits_of(model), names))
    with replacing(path) as temporary:
        if kind == "keras":
            save_model(model, temporary, contract)
        elif kind == "safetensors":
            _write_safetensors(model, temporary, said)
        else:
            _require_short(path, said, names)
            if kind == "h5":
                _write_old(model, temporary)
            else:
                model.save_weights(temporary)
            with h5py.File(temporary, "a") as file:
                file.attrs[METADATA] = said
        _require_same(model, temporary, kind, path)


def _kind(path: Path) -> Kind:
    for kind in FORMATS:
        if path.name.endswith(f".{kind}"):
            return kind
    raise ConfigError(
        f"{path}: expected a name that ends in .{', .'.join(FORMATS)}, got "
        f"{path.suffix!r}."
    )


def _require_short(path: Path, said: str, names: Sequence[str]) -> None:
    if len(said) <= _LONGEST_ATTRIBUTE:
        return
    without = len(said) - len(json.dumps(list(names)))
    reason = f"the names of {len(names):,} classes take more than their 64 kB"
    if without > _LONGEST_ATTRIBUTE:
        reason = "the model's preprocessing has a mean image"
    raise ConfigError(
        f"{path}: {reason}, which HDF5 files of weights do not hold. Save as .keras or "
        ".safetensors."
    )


def _arrays(weights: Sequence[Any]) -> dict[str, np.ndarray]:
    """Returns contiguous copies, by the paths of the variables."""
    arrays: dict[str, np.ndarray] = {}
    for w in weights:
        if w.path in arrays:
            raise ConfigError(
                f"weights: two are called {w.path}, which this format cannot hold. "
                "Save as .keras or .weights.h5, or give every layer a name of its own."
            )
        arrays[w.path] = np.array(keras.ops.convert_to_numpy(w), order="C")
    return arrays


def _write_safetensors(model: keras.Model, path: Path, said: str) -> None:
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    try:
        save_file(_arrays(model.weights), path, metadata={METADATA: said})
    except SafetensorError as error:  # a full disk, as safetensors calls it
        raise OSError(str(error)) from error


def _write_old(model: keras.Model, path: Path) -> None:
    """Writes what `save_weights` of Keras 2 did: names with `:0`, groups by layer.

    A model within the model is one layer; what trains comes first in a group.
    """
    with h5py.File(path, "w") as file:
        _put_names(file, "layer_names", [layer.name for layer in model.layers])
        file.attrs["backend"] = keras.backend.backend()
        file.attrs["keras_version"] = keras.__version__
        for layer in model.layers:
            group = file.create_group(layer.name)
            arrays = _arrays(layer.trainable_weights + layer.non_trainable_weights)
            _put_names(group, "weight_names", [f"{each}:0" for each in arrays])
            for each, array in arrays.items():
                group[f"{each}:0"] = array


def _put_names(group: Any, attribute: str, names: list[str]) -> None:
    """Writes a list as Keras does: in numbered parts where it is long."""
    encoded = np.array([name.encode() for name in names], dtype="S")
    if encoded.nbytes <= _LONGEST_ATTRIBUTE:
        group.attrs[attribute] = encoded
        return
    parts = -(-encoded.nbytes // _LONGEST_ATTRIBUTE) + 1
    for number, part in enumerate(np.array_split(encoded, parts)):
        group.attrs[f"{attribute}{number}"] = part


def _require_same(model: keras.Model, temporary: Path, kind: Kind, path: Path) -> None:
    found = _read_back(model, temporary, kind)
    for weight, array in zip(model.weights, found, strict=True):
        if not _equal(array, np.asarray(keras.ops.convert_to_numpy(weight))):
            raise ExportError(
                f"{path}: was not written: {weight.path} does not read back as it is "
                "in the model. Check the disk."
            )


def _read_back(model: keras.Model, path: Path, kind: Kind) -> list[np.ndarray]:
    """Returns the arrays in a file in the order of the model's; Keras reads its own."""
    if kind == "safetensors":
        arrays = read_as(path, kind).arrays
        return [arrays[weight.path] for weight in model.weights]
    if kind == "keras":
        return load_model(path)[0].get_weights()
    before = model.get_weights()
    try:
        model.load_weights(path)  # a copy could not be made of every model
        return model.get_weights()
    finally:
        model.set_weights(before)


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    """Compares bits: a weight that is not a number equals itself."""
    other = other.astype(one.dtype)
    return one.shape == other.shape and one.tobytes() == other.tobytes()
