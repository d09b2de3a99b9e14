"""From the names in a file to the variables of a model."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np

from residency.errors import ConfigError
from residency.models.weights.file import WeightFile
from residency.models.weights.keras_origins import KERAS_ORIGINS, UNKNOWN
from residency.models.weights.kernels import from_torch
from residency.models.weights.likeness import guess
from residency.models.weights.origin import Origin
from residency.models.weights.torch_origins import TORCH_ORIGINS
from residency.models.weights.traits import from_json

By = Literal["auto", "name", "order"]

_COUNTER = "num_batches_tracked"
_TORCH_VARIABLES = {
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


@dataclass(frozen=True, slots=True)
class Found:
    """An array of the file that is meant for a variable of the model."""

    source: str
    """Its name in the file."""
    array: np.ndarray
    """In the order of axes of the model's variable, where it fits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Matching:
    """A file, read for one model."""

    origin: Origin
    found: Mapping[str, Found]
    """By `path` of the model's variables."""
    unused: Mapping[str, np.ndarray]
    """What is left over in the file, by its names there."""
    notes: tuple[str, ...] = ()


def origin_of(file: WeightFile) -> Origin:
    """Tells whose weights a file has.

    Raises:
        ConfigError: A state dict of no network that is known here, or of one whose
            outputs no network here has; or a file of ours whose own word makes no
            sense.
    """
    if file.metadata:
        traits = from_json(file.metadata)
        return Origin(
            name="saved by Residency", mark="", rename=UNKNOWN.rename, traits=traits
        )
    layers = _layers(file)
    for origin in (*KERAS_ORIGINS, *TORCH_ORIGINS):
        if any(re.fullmatch(origin.mark, layer) for layer in layers):
            _require_ours(file, origin)
            return origin
    if _is_torch(file):
        names = ", ".join(list(file.arrays)[:3])
        raise ConfigError(
            f"{file.path}: a state dict with the names {names}, ..., which no network "
            "here has. Known are ResNet, ResNeXt, VGG and DenseNet of torchvision, "
            "the same with squeeze-and-excitation, ResNet-D and Darknet of timm, and "
            "EfficientNet-Lite0."
        )
    return UNKNOWN


def _require_ours(file: WeightFile, origin: Origin) -> None:
    if origin.refusal:
        raise ConfigError(f"{file.path}: weights of {origin.name}: {origin.refusal}.")


def match(file: WeightFile, model: keras.Model, by: By = "auto") -> Matching:
    """Finds the array of each variable, by name or, for Keras' files, by order.

    Args:
        file: What `read` returned.
        model: The network to fill; it is not changed.
        by: `"name"`; `"order"`, the file's layers and the model's in turn; or `"auto"`,
            by order only where no name of the file is in the model.

    Raises:
        ConfigError: As `origin_of`, or by order where a file has none.
    """
    origin = origin_of(file)
    if _is_torch(file):
        if by == "order":
            raise ConfigError(
                f"{file.path}: by='order' is for files of Keras; PyTorch's have names."
            )
        return _match_torch(file, origin, model)
    groups = _grouped(file.arrays)
    named = _rename_keras(groups, origin, model)
    if by == "order" or (by == "auto" and not named):
        named = _by_order(file, groups, model)
    return _match_keras(file, origin, groups, named, model)


def _is_torch(file: WeightFile) -> bool:
    """A safetensors file may be either: PyTorch's names have dots, Keras' slashes."""
    by_name = file.kind == "safetensors" and not any("/" in n for n in file.arrays)
    return file.kind == "pytorch" or by_name


def _layers(file: WeightFile) -> list[str]:
    return list(_grouped(file.arrays, "." if _is_torch(file) else "/"))


def _grouped(names: Iterable[str], separator: str = "/") -> dict[str, list[str]]:
    """Returns the names of arrays by layer, in order."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.rpartition(separator)[0], []).append(name)
    return groups


def layers_of(model: keras.Model) -> dict[str, list[Any]]:
    """Returns the variables of each layer that has some, in the model's order."""
    groups: dict[str, list[Any]] = {}
    for variable in (w for layer in model.layers for w in layer.weights):
        groups.setdefault(variable.path.rpartition("/")[0], []).append(variable)
    return groups


def _match_torch(file: WeightFile, origin: Origin, model: keras.Model) -> Matching:
    groups = _grouped(file.arrays, ".")
    new = origin.rename(list(groups))
    expected = {w.path: tuple(w.shape) for w in model.weights}
    flattened = _flattened(model)
    found, unused, counters = {}, {}, 0
    for module, names in groups.items():
        normalises = f"{module}.running_mean" in names
        for name in names:
            last, array = name.rpartition(".")[2], file.arrays[name]
            path = f"{new.get(module)}/{_variable(last, array, normalises)}"
            if last == _COUNTER:
                counters += 1
            elif module in new:
                shape, pixels = expected.get(path, ()), flattened.get(new[module])
                found[path] = Found(name, from_torch(array, shape, pixels))
            else:
                unused[name] = array
    notes = file.notes + ((origin.note,) if origin.note else ())
    if counters:
        notes += (
            f"{counters} arrays {_COUNTER} left out: nothing here counts batches",
        )
    return _matching(origin, found, unused, expected, notes)


def _variable(name: str, array: np.ndarray, normalises: bool) -> str:
    if name == "weight":
        return "gamma" if normalises or array.ndim == 1 else "kernel"
    if name == "bias":
        return "beta" if normalises else "bias"
    return _TORCH_VARIABLES.get(name, name)


def _flattened(model: keras.Model) -> dict[str, tuple[int, ...]]:
    """Returns `(height, width, channels)` by name of the dense layer that reads it."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in model.layers:
        if not isinstance(layer, keras.layers.Dense):
            continue
        tensor: Any = layer.input
        before: Any = tensor._keras_history.operation
        if isinstance(before, keras.layers.Flatten):
            maps: Any = before.input
            shape = list(maps.shape[1:])
            if before.data_format == "channels_first":  # Flatten puts them last
                shape.append(shape.pop(0))
            shapes[layer.name] = tuple(shape)
    return shapes


def _rename_keras(
    groups: Mapping[str, list[str]], origin: Origin, model: keras.Model
) -> dict[str, str]:
    """Returns the model's layer by the file's, for those that both have."""
    ours = layers_of(model)
    new = origin.rename(list(groups))
    named = {name: name if name in ours else new.get(name, name) for name in groups}
    named = {name: layer for name, layer in named.items() if layer in ours}
    return named or _by_class(groups, model)


def _by_class(groups: Mapping[str, list[str]], model: keras.Model) -> dict[str, str]:
    """Keras 3 numbers the layers of each class where it does not give their names."""
    counts: dict[str, int] = {}
    named = {}
    for layer in model.layers:
        kind = _snake_case(type(layer).__name__)
        counts[kind] = number = counts.get(kind, -1) + 1
        stored = f"layers/{kind}_{number}" if number else f"layers/{kind}"
        if stored in groups:
            named[stored] = layer.name
    return named


def _snake_case(name: str) -> str:
    """Returns `batch_normalization` for `BatchNormalization`, `conv2d` for `Conv2D`."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _by_order(
    file: WeightFile, groups: Mapping[str, list[str]], model: keras.Model
) -> dict[str, str]:
    if file.kind not in ("h5", "safetensors"):
        raise ConfigError(
            f"{file.path}: has none of the layer names of {model.name!r}, and a "
            f"{file.kind} file keeps no order.{guess(file.arrays, but=model.name)} "
            "Build the network it was saved from."
        )
    return dict(zip(groups, layers_of(model), strict=False))


def _match_keras(
    file: WeightFile,
    origin: Origin,
    groups: Mapping[str, list[str]],
    named: Mapping[str, str],
    model: keras.Model,
) -> Matching:
    ours = layers_of(model)
    found, unused = {}, {}
    for layer, names in groups.items():
        variables = ours.get(named.get(layer, ""), [])
        by_last = {w.path.rpartition("/")[2]: w.path for w in variables}
        for place, name in enumerate(names):
            last = name.rpartition("/")[2]
            if last.isdigit() or last not in by_last:
                place = int(last) if last.isdigit() else place
                path = variables[place].path if place < len(variables) else None
            else:
                path = by_last[last]
            if path is None or path in found:
                unused[name] = file.arrays[name]
            else:
                found[path] = Found(name, file.arrays[name])
    expected = {w.path: tuple(w.shape) for w in model.weights}
    return _matching(origin, found, unused, expected, file.notes)


def _matching(
    origin: Origin,
    found: Mapping[str, Found],
    unused: dict[str, np.ndarray],
    expected: Mapping[str, Any],
    notes: tuple[str, ...],
) -> Matching:
    """Moves what is meant for variables the model lacks to what is left over."""
    surplus = {f.source: f.array for path, f in found.items() if path not in expected}
    inside = {path: f for path, f in found.items() if path in expected}
    return Matching(origin=origin, found=inside, unused=unused | surplus, notes=notes)
