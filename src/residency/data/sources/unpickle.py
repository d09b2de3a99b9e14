"""Reads the pickles of CIFAR without running anything that is in them.

A pickle is a program: it may import and call what it likes. Here it may build
dictionaries, lists, texts and arrays of plain numbers, from stand-ins of our own;
any other name it asks for is refused before it is imported.
"""

import io
import pickle
from typing import Any

import numpy as np

from residency.errors import DataError


class PickledArray:
    """Stands for `numpy.ndarray`; takes its state, then gives the array."""

    def __init__(self, *ignored: Any) -> None:
        self.array = np.empty(0, np.uint8)

    def __setstate__(self, state: Any) -> None:
        _version, shape, dtype, fortran, content = state
        if isinstance(content, str):  # a text of Python 2
            content = content.encode("latin-1")
        flat = np.frombuffer(content, dtype.dtype)
        self.array = flat.reshape(shape, order="F" if fortran else "C")


class PickledDtype:
    """Stands for `numpy.dtype`; knows whole and floating-point numbers."""

    def __init__(self, name: Any, *ignored: Any) -> None:
        text = name.decode("ascii") if isinstance(name, bytes) else str(name)
        self.dtype = np.dtype(text)
        if self.dtype.kind not in "biuf":
            raise DataError(f"an array of {text!r}, expected one of numbers")

    def __setstate__(self, state: Any) -> None:
        order = state[1].decode("ascii") if isinstance(state[1], bytes) else state[1]
        if order in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(order)


class Encode:
    """Stands for `_codecs.encode`: a function would let a pickle set its defaults."""

    __slots__ = ()

    def __call__(self, text: str, encoding: str = "latin1") -> bytes:
        if encoding not in ("latin1", "latin-1"):
            raise DataError(f"a text encoded as {encoding!r}, expected latin1")
        return text.encode("latin-1")


ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): PickledArray,
    ("numpy._core.multiarray", "_reconstruct"): PickledArray,
    ("numpy", "ndarray"): PickledArray,
    ("numpy", "dtype"): PickledDtype,
    ("_codecs", "encode"): Encode(),  # how Python 3 writes bytes at protocol 2
}


# The one in Python: in C, ten bytes that name a late place make a memo of gigabytes.
class _Restricted(pickle._Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise DataError(f"it asks for {module}.{name}, which is refused")
        return ALLOWED[module, name]


def unpickle(content: bytes, where: str) -> dict[str, Any]:
    """Returns the dictionary in a pickle, its keys as texts and its arrays built.

    Args:
        content: The bytes of the file, written by Python 2 or 3.
        where: Name of the file in messages.

    Raises:
        DataError: Not a pickle of a dictionary, damaged, or one that asks for
            anything but dictionaries, lists, texts, numbers and arrays of numbers.
    """
    try:
        value = _Restricted(io.BytesIO(content), encoding="bytes").load()
    except DataError as error:
        raise DataError(f"{where}: not a safe CIFAR file: {error}.") from error
    # Damaged bytes end in a dozen types: UnpicklingError, EOFError, KeyError, ...
    except Exception as error:
        raise DataError(f"{where}: cannot be read as a CIFAR file: {error}.") from error
    if not isinstance(value, dict):
        raise DataError(
            f"{where}: expected a dictionary, as CIFAR files have, got "
            f"{type(value).__name__}."
        )
    return {_text(key): _plain(item) for key, item in value.items()}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _plain(value: Any) -> Any:
    return value.array if isinstance(value, PickledArray) else value
