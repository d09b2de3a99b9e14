"""Reads weights from HDF5: the layouts of Keras 1 and 2 and of Keras 3.

Keras 1 and 2 keep a list of layer names in an attribute and the arrays of each layer in
a group of its name; a file of a whole model has the same under `model_weights`. Keras 3
has `layers/<class>_<number>/vars/<place>`, with the layer's name in an attribute.
Links and external data, by which an HDF5 file can reach other files, are refused.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from residency.errors import ExportError
from residency.models.contract import require_unpacked
from residency.models.weights.traits import METADATA

_VARIABLES = {
    "W": "kernel",
    "b": "bias",
    "running_mean": "moving_mean",
    "running_std": "moving_variance",  # Keras 1 called it so; it is the variance
    "depthwise_kernel": "kernel",
}
"""Old names of variables: Keras 1, and Keras 2's depthwise convolution."""

low: Any = h5py  # its low-level modules are in no type stub
_DEEPEST = 16  # groups in groups; a real file has five


def read_hdf5(path: Path, *, new: bool) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Returns the arrays by `layer/variable`, in order, and the file's metadata.

    A file of Keras 3 has no names of variables; theirs are `layer/0`, `layer/1`, ...
    States of random draws, as dropout has them, are no weights and left out.

    Args:
        path: The file.
        new: Keras 3's layout, else that of Keras 1 and 2.

    Raises:
        ExportError: Another layout, links, or far more data than the file's size.
    """
    with h5py.File(path, "r") as file:
        groups = dict(_datasets(file, path))
        require_unpacked(path, sum(item.nbytes for item in groups.values()))
        said = file.attrs.get(METADATA)
        metadata = json.loads(said) if said is not None else {}
        arrays = _new_layout(file, groups) if new else _old_layout(file, groups, path)
    return arrays, metadata


def _datasets(
    group: Any, path: Path, prefix: str = "", seen: frozenset[int] = frozenset()
) -> Iterator[tuple[str, Any]]:
    """Yields every dataset by its full name; refuses what leads out of the file."""
    here = low.h5o.get_info(group.id).addr
    if here in seen or len(seen) > _DEEPEST:
        raise ExportError(
            f"{path}: the group {prefix!r} is inside itself, or more than {_DEEPEST} "
            "deep. It is not loaded."
        )
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ExportError(
                f"{path}: {prefix}{name} is a {type(link).__name__}, which leads "
                "elsewhere; a file of weights needs none. It is not loaded."
            )
        item = group[name]
        if isinstance(item, h5py.Group):
            yield from _datasets(item, path, f"{prefix}{name}/", seen | {here})
        elif not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
            raise ExportError(
                f"{path}: the data of {prefix}{name} are in another file. It is not "
                "loaded."
            )
        else:
            yield f"{prefix}{name}", item


def _new_layout(file: Any, datasets: dict[str, Any]) -> dict[str, np.ndarray]:
    """Names of layers where the file has them, else `layers/<class>_<number>`."""
    arrays = {}
    for name, dataset in datasets.items():
        layer, variables, place = name.rpartition("/vars/")
        if layer.endswith("/seed_generator"):
            continue
        if variables and layer.count("/") == 1:
            layer = _text(file[f"{layer}/vars"].attrs.get("name", layer))
            name = f"{layer}/{place}"
        arrays[name] = _numbers(dataset, name)
    return arrays


def _old_layout(
    file: Any, datasets: dict[str, Any], path: Path
) -> dict[str, np.ndarray]:
    root = "model_weights/" if "model_weights" in file else ""
    top = file[root] if root else file
    layers = _names(top, "layer_names")
    if not layers:
        raise ExportError(
            f"{path}: no file of Keras 1 or 2, as it has no layer_names. A file of "
            "Keras 3 is called .weights.h5."
        )
    arrays = {}
    for layer in layers:
        for weight in _names(top[layer], "weight_names") if layer in top else ():
            full = f"{root}{layer}/{weight}"
            if full not in datasets:
                raise ExportError(f"{path}: names {full}, which is not in it.")
            key = f"{layer}/{_variable(weight, layer)}"
            if key in arrays:
                key = f"{layer}/{weight}"
            arrays[key] = _numbers(datasets[full], full)
    return arrays


def _variable(weight: str, layer: str) -> str:
    """Returns `kernel` for `conv1/kernel:0` and for `conv1_W:0`."""
    last = re.sub(r":\d+$", "", weight).split("/")[-1].removeprefix(f"{layer}_")
    return _VARIABLES.get(last, last)


def _names(group: Any, attribute: str) -> list[str]:
    """Returns a list of texts; Keras cuts one above 64 kB into numbered parts."""
    parts = [attribute] if attribute in group.attrs else []
    while f"{attribute}{len(parts)}" in group.attrs:
        parts.append(f"{attribute}{len(parts)}")
    return [_text(name) for part in parts for name in group.attrs[part]]


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _numbers(dataset: Any, name: str) -> np.ndarray:
    array = np.asarray(dataset[()])
    if dataset.attrs.get("dtype") == "bfloat16":  # Keras 3 writes its bytes as int16
        return (array.view("u2").astype("u4") << 16).view("f4")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} has no numbers but {array.dtype}")
    return array
