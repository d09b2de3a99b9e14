"""Files of weights: which kind one is, and its arrays by name, in the file's order.

No reader runs code from a file, follows a link out of it, or takes more memory than
its size allows for.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from residency.errors import ConfigError, ExportError, did_you_mean
from residency.models.weights.traits import METADATA

Kind = Literal["pytorch", "safetensors", "keras", "weights.h5", "h5"]

ENDINGS: dict[str, Kind] = {
    ".keras": "keras",
    ".weights.h5": "weights.h5",
    ".h5": "h5",
    ".hdf5": "h5",
    ".pth": "pytorch",
    ".pt": "pytorch",
    ".bin": "pytorch",
    ".safetensors": "safetensors",
}
"""The first that a name ends in says the kind of file."""

_PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before every name, in any order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightFile:
    """The arrays of a file, not yet matched to any network."""

    path: Path
    kind: Kind
    arrays: Mapping[str, np.ndarray]
    """By the file's own names and in its order; `layer/variable` for Keras' files."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What a file of ours says of its network: see `models.weights.save`."""
    notes: tuple[str, ...] = ()
    """What the reader took off: wrappers, prefixes."""


def read(path: str | Path) -> WeightFile:
    """Reads any file of weights that is known here; its name says the kind.

    Args:
        path: Ends in `.keras`, `.weights.h5`, `.h5`, `.pth`, `.pt`, `.bin` or
            `.safetensors`.

    Raises:
        ConfigError: No such file, or another ending.
        ExportError: It is damaged, cut short, or made to do harm.
    """
    path = Path(path)
    kind = _kind(path)
    _require_file(path)
    return read_as(path, kind)


def read_as(path: Path, kind: Kind) -> WeightFile:
    """Reads a file of a known kind, whatever it is called; raises as `read`."""
    try:
        file = _read(path, kind)
        _require_object(file.metadata)
        return _without_prefixes(file)
    except (ExportError, ConfigError):
        raise
    except Exception as error:  # a damaged file may break any reader, in any way
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise ExportError(
            f"{path}: cannot be read as a {kind} file of weights "
            f"({reason or type(error).__name__}). It is damaged, cut short, or of "
            "another kind than its name says; copy or download it again."
        ) from error


def _require_object(said: Any) -> None:
    if not isinstance(said, dict):
        raise ValueError(
            f"under {METADATA!r} it has {str(said)[:40]!r}, no JSON object"
        )


def _without_prefixes(file: WeightFile) -> WeightFile:
    """Takes off what wrappers put before every name, until none is left."""
    arrays, notes = file.arrays, file.notes
    while prefix := next((p for p in _PREFIXES if _all_begin(arrays, p)), ""):
        arrays = {name.removeprefix(prefix): a for name, a in arrays.items()}
        notes += (f"the prefix {prefix!r} was taken off every name",)
    return replace(file, arrays=arrays, notes=notes)


def _all_begin(names: Collection[str], prefix: str) -> bool:
    return bool(names) and all(name.startswith(prefix) for name in names)


def _read(path: Path, kind: Kind) -> WeightFile:
    if kind == "pytorch":
        from residency.models.weights.torch_file import read_state_dict

        arrays, notes = read_state_dict(path)
        return WeightFile(path=path, kind=kind, arrays=arrays, notes=notes)
    if kind == "safetensors":
        return _read_safetensors(path)
    if kind == "keras":
        from residency.models.weights.keras_file import read_keras

        arrays, metadata = read_keras(path)
    else:
        from residency.models.weights.hdf5 import read_hdf5

        arrays, metadata = read_hdf5(path, new=kind == "weights.h5")
    return WeightFile(path=path, kind=kind, arrays=arrays, metadata=metadata)


def _read_safetensors(path: Path) -> WeightFile:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        said = (file.metadata() or {}).get(METADATA)
        arrays = {name: _as_numpy(file, name) for name in file.offset_keys()}
    metadata = json.loads(said) if said else {}
    return WeightFile(path=path, kind="safetensors", arrays=arrays, metadata=metadata)


def _as_numpy(file: Any, name: str) -> np.ndarray:
    array = file.get_tensor(name)
    return array.astype("float32") if array.dtype.name == "bfloat16" else array


def _kind(path: Path) -> Kind:
    for ending, kind in ENDINGS.items():
        if path.name.endswith(ending):
            return kind
    raise ConfigError(
        f"weights: expected None, 'imagenet' or the path of a file that ends in "
        f"{', '.join(ENDINGS)}, got {str(path)!r}."
    )


def _require_file(path: Path) -> None:
    if not path.is_file():
        names = [
            other.name
            for other in path.parent.glob("*")
            if other.name.endswith(tuple(ENDINGS))
        ]
        raise ConfigError(
            f"{path}: no such file of weights.{did_you_mean(path.name, names)}"
        )
