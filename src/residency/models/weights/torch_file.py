"""Reads PyTorch's state dicts without PyTorch, running nothing that is in them.

A `.pth` holds a pickle, and a pickle is a program. Here it may build dictionaries,
lists, texts, numbers and tensors, from stand-ins of our own; any other name it asks for
is refused before it is imported. Both layouts of `torch.save` are read: the zip archive
(from 1.6 on) and the row of pickles before it, in which many files of the model zoo
still are.
"""

import math
import pickle
import re
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

import numpy as np

from residency.errors import ExportError
from residency.models.contract import require_sane_size

_MAGIC = 0x1950A86A20F9469CFC6C  # torch/serialization.py: MAGIC_NUMBER
_PROTOCOL = 1001  # torch/serialization.py: PROTOCOL_VERSION

_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",  # the upper half of a float32: see `_Storage.fill`
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}

_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "state_dict_ema")
"""Keys under which training scripts keep the state dict, beside an optimizer's."""


class _RefusedError(Exception):
    """The pickle asks for what no state dict needs; the message says what."""


class _StandIn:
    """What a pickle may build and never change: its BUILD would set any attribute."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        raise _RefusedError("it sets attributes of a tensor")


class _Storage(_StandIn):
    """A run of numbers of one type, filled after the pickle was read."""

    __slots__ = ("count", "dtype", "kind", "numbers")

    def __init__(self, kind: str, count: int) -> None:
        if kind not in _DTYPES or not isinstance(count, int) or count < 0:
            raise _RefusedError(f"it has a tensor of {kind!r} with {count!r} numbers")
        self.kind, self.count = kind, count
        self.dtype = np.dtype(_DTYPES[kind])
        self.numbers = np.empty(0, self.dtype)

    @property
    def length(self) -> int:
        """Bytes in the file."""
        return self.count * self.dtype.itemsize

    def fill(self, content: bytes) -> None:
        """Takes its bytes; bfloat16 becomes float32, which loses nothing."""
        if len(content) != self.length:
            raise _RefusedError(
                f"a tensor's data have {len(content):,} bytes and should have "
                f"{self.length:,}: the file is cut short"
            )
        self.numbers = np.frombuffer(content, self.dtype)
        if self.kind == "BFloat16Storage":
            self.numbers = (self.numbers.astype("u4") << 16).view("f4")


class _Tensor(_StandIn):
    """A view into a storage: first number, sizes and steps, in numbers."""

    __slots__ = ("offset", "size", "storage", "stride")

    def __init__(self, storage: Any, offset: Any, size: Any, stride: Any) -> None:
        self.storage, self.offset = storage, offset
        self.size, self.stride = size, stride

    def array(self) -> np.ndarray:
        """Returns the view; raises `_RefusedError` where it leads out."""
        whole = (self.offset, *self.size, *self.stride)
        sound = (
            isinstance(self.storage, _Storage)
            and type(self.storage.numbers) is np.ndarray
            and len(self.size) == len(self.stride) <= 8
            and all(isinstance(number, int) and number >= 0 for number in whole)
        )
        if not sound:
            raise _RefusedError("it has a tensor without a shape")
        last = self.offset + sum(
            (size - 1) * step for size, step in zip(self.size, self.stride, strict=True)
        )
        count = math.prod(self.size)
        numbers = self.storage.numbers
        if count and (last >= len(numbers) or count > len(numbers)):
            raise _RefusedError(
                f"a tensor of {count:,} numbers leads out of its {len(numbers):,}"
            )
        return np.lib.stride_tricks.as_strided(
            numbers[self.offset :],
            self.size,
            [step * numbers.itemsize for step in self.stride],
            writeable=False,
        )


def read_state_dict(path: Path) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Returns the arrays of a file of `torch.save`, and notes on what was unwrapped.

    Args:
        path: A state dict, or a dictionary that holds one as `"state_dict"`, `"model"`
            and the like.

    Raises:
        ExportError: The file asks for code, holds no state dict, is cut short, or would
            unpack to far more than its size.
    """
    is_zip = zipfile.is_zipfile(path)
    if not is_zip and _begins_as_zip(path):
        raise ExportError(
            f"{path}: the end is missing ({path.stat().st_size:,} bytes came). Copy or "
            "download it again."
        )
    try:
        content = _from_zip(path) if is_zip else _from_pickles(path)
        return _named_arrays(content)
    except _RefusedError as error:
        raise ExportError(
            f"{path}: not a plain state dict: {error}. In PyTorch, save the weights "
            "alone: torch.save(model.state_dict(), path)."
        ) from error


def _begins_as_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _from_zip(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        require_sane_size(archive, path)
        names = archive.namelist()
        for name in names:
            if name.startswith("/") or "\\" in name or ".." in name.split("/"):
                raise _RefusedError(f"its member {name!r} leads out of the archive")
        if any(name.endswith("constants.pkl") for name in names):
            raise _RefusedError("it is a TorchScript program")
        pickles = [name for name in names if name.split("/")[-1] == "data.pkl"]
        if len(pickles) != 1:
            raise _RefusedError(f"it has {len(pickles)} members data.pkl, not 1")
        root = pickles[0].removesuffix("data.pkl")
        if (
            f"{root}byteorder" in names
            and archive.read(f"{root}byteorder") != b"little"
        ):
            raise _RefusedError("it was written on a machine of another byte order")
        storages: dict[str, _Storage] = {}
        with archive.open(pickles[0]) as file:
            content = _Unpickler(file, storages).load()
        for key, storage in storages.items():
            storage.fill(archive.read(f"{root}data/{key}"))
    return content


def _from_pickles(path: Path) -> Any:
    storages: dict[str, _Storage] = {}
    with path.open("rb") as file:
        if _Unpickler(file, {}).load() != _MAGIC:
            raise _RefusedError("it is a pickle, but not one of torch.save")
        if _Unpickler(file, {}).load() != _PROTOCOL:
            raise _RefusedError("it is of an unknown version")
        if not _Unpickler(file, {}).load()["little_endian"]:
            raise _RefusedError("it was written on a machine of another byte order")
        content = _Unpickler(file, storages).load()
        for key in _Unpickler(file, {}).load():
            _fill_from(file, storages[key])
    return content


def _fill_from(file: BinaryIO, storage: _Storage) -> None:
    (count,) = struct.unpack("<q", file.read(8))
    if count != storage.count:
        raise _RefusedError(f"a tensor has {count:,} numbers, not {storage.count:,}")
    storage.fill(file.read(storage.length))  # never more than the file has


# The one in Python: in C, ten bytes that name a late place make a memo of gigabytes.
class _Unpickler(pickle._Unpickler):
    """Builds what a state dict is made of, and nothing else."""

    def __init__(self, file: Any, storages: dict[str, _Storage]) -> None:
        super().__init__(file, encoding="utf-8")
        self._storages = storages
        self._names = _allowed()

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._names:
            raise _RefusedError(f"it asks for {module}.{name}, which is refused")
        return self._names[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        what, kind, key, _location, count, *view = pid
        if what != "storage" or not re.fullmatch(r"[0-9A-Za-z_]+", str(key)):
            raise _RefusedError(f"it refers to {what!r} under {str(key)[:40]!r}")
        if view and view[0] is not None:
            raise _RefusedError("its tensors share storages in the way of 2016")
        return self._storages.setdefault(str(key), _Storage(kind, count))


def _allowed() -> dict[tuple[str, str], Any]:
    """Returns the names a pickle may ask for; new each time, as it may change them."""
    tensor: Callable[..., Any] = lambda *parts: _Tensor(*parts[:4])  # noqa: E731
    return {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch", "Size"): tuple,
        ("torch._utils", "_rebuild_tensor"): tensor,
        ("torch._utils", "_rebuild_tensor_v2"): tensor,
        ("torch._utils", "_rebuild_parameter"): lambda data, *more: data,
        **{("torch", kind): kind for kind in _DTYPES},
    }


def _named_arrays(content: Any) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    state, notes = _unwrapped(content)
    arrays = {
        str(name): tensor.array()
        for name, tensor in state.items()
        if isinstance(tensor, _Tensor)
    }
    if len(arrays) < len(state):
        others = [str(name) for name in state if str(name) not in arrays]
        notes += (f"no tensors, left out: {', '.join(others[:5])}",)
    return arrays, notes


def _unwrapped(content: Any) -> tuple[Mapping[Any, Any], tuple[str, ...]]:
    if not isinstance(content, Mapping):
        raise _RefusedError(f"it holds a {type(content).__name__}, not a dictionary")
    for key in _WRAPPERS:  # first, as a tensor may lie beside: the best accuracy
        inner = content.get(key)
        if _holds_tensors(inner):
            return inner, (f"the state dict was found under {key!r}",)
    if _holds_tensors(content):
        return content, ()
    raise _RefusedError("it holds no tensors")


def _holds_tensors(value: Any) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping) and any(
        isinstance(item, _Tensor) for item in value.values()
    )
