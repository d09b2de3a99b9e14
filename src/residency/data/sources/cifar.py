"""CIFAR-10 and CIFAR-100 in their own files: pickled or binary, folder or archive.

Archives are read in memory: nothing is unpacked to disk, and of the names in them
only the last part is looked at, for the few file names that belong here.
Reference: [Krizhevsky, 2009](https://www.cs.toronto.edu/~kriz/cifar.html).
"""

import lzma
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from residency.data.index import Index, shortened
from residency.data.sources.arrays import index_arrays
from residency.data.sources.cifar_names import (
    CIFAR10_CLASSES,
    CIFAR100_CLASSES,
    CIFAR100_COARSE_CLASSES,
)
from residency.data.sources.unpickle import unpickle
from residency.errors import DataError

PIXELS = 3 * 32 * 32  # three planes: red, green, blue, each row by row

BATCHES = tuple(f"data_batch_{i}" for i in range(1, 6))

LAYOUTS = {
    "CIFAR-10, pickled": {"train": BATCHES, "test": ("test_batch",)},
    "CIFAR-100, pickled": {"train": ("train",), "test": ("test",)},
    "CIFAR-10, binary": {
        "train": tuple(f"{name}.bin" for name in BATCHES),
        "test": ("test_batch.bin",),
    },
    "CIFAR-100, binary": {"train": ("train.bin",), "test": ("test.bin",)},
}
"""File names by part. All of a layout must be there."""

FOLDERS = (
    "cifar-10-batches-py",
    "cifar-10-batches-bin",
    "cifar-100-python",
    "cifar-100-binary",
)
"""What the official archives hold."""

META = ("batches.meta", "meta")

FILE_LIMIT = 512 << 20  # the largest real file, CIFAR-100's train, has 155 MB
ARCHIVE_LIMIT = 2 << 30


def from_cifar(path: str | Path, labels: str = "fine") -> Index:
    """Returns the index of CIFAR-10 or CIFAR-100, with parts train and test.

    Args:
        path: The official folder, one above it, or a `.tar.gz` of it.
        labels: `"fine"`, or `"coarse"` for the 20 superclasses of CIFAR-100.

    Raises:
        DataError: A file is missing, damaged or not what it says; a pickle asks for
            anything but plain data.
    """
    files = _files(Path(path))
    for layout, parts in LAYOUTS.items():
        if all(name in files for names in parts.values() for name in names):
            return _index(str(path), layout, files, labels)
    expected = "; ".join(
        f"{layout}: {', '.join((*parts['train'], *parts['test']))}"
        for layout, parts in LAYOUTS.items()
    )
    raise DataError(
        f"{path}: not a complete CIFAR data set. Expected {expected}. "
        f"Found {shortened(sorted(files)) or 'none of these'}."
    )


def is_cifar(path: Path) -> bool:
    """Returns whether a folder looks like one of CIFAR's, or like the one above.

    A file called train or test alone says nothing: photos may have one beside them.
    """
    if any((path / name).is_dir() for name in FOLDERS):
        return True
    names = {name for parts in LAYOUTS.values() for name in _flat(parts)}
    there = {name for name in names if (path / name).is_file()}
    return bool(there - {"train", "test"}) or len(there) == 2


def is_complete(path: Path) -> bool:
    """Returns whether a folder, or its inner one, has all files of a layout."""
    inner = _inner(path)
    return any(
        all((inner / name).is_file() for name in _flat(parts))
        for parts in LAYOUTS.values()
    )


def _index(source: str, layout: str, files: Mapping[str, bytes], labels: str) -> Index:
    hundred = layout.startswith("CIFAR-100")
    if labels not in ("fine", "coarse") or (labels == "coarse" and not hundred):
        raise DataError(
            f"{source}: no {labels!r} labels in CIFAR-{100 if hundred else 10}."
        )
    key = f"{labels}_labels" if hundred else "labels"
    read = _pickled if layout.endswith("pickled") else _binary
    parts = {}
    for part, names in LAYOUTS[layout].items():
        batches = [read(files[name], f"{source}: {name}", key) for name in names]
        parts[part] = tuple(
            np.concatenate(items) for items in zip(*batches, strict=True)
        )
    return index_arrays(source, parts, _class_names(files, source, labels, hundred))


def _pickled(content: bytes, where: str, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns images `(n, 32, 32, 3)` and labels `(n,)` of a pickled batch."""
    batch = unpickle(content, where)
    if "data" not in batch or key not in batch:
        raise DataError(
            f"{where}: expected the entries data and {key}, "
            f"got {shortened(sorted(batch))}."
        )
    return _images(batch["data"], where), _labels(batch[key], where)


def _binary(content: bytes, where: str, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns images `(n, 32, 32, 3)` and labels `(n,)` of a binary batch.

    A record has one label byte (CIFAR-10) or two (coarse, fine), then the pixels.
    """
    heads = 1 if key == "labels" else 2
    if not content or len(content) % (heads + PIXELS):
        raise DataError(
            f"{where}: expected records of {heads + PIXELS} bytes, got "
            f"{len(content):,} bytes: the file is cut off or damaged."
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, heads + PIXELS)
    column = 1 if key == "fine_labels" else 0
    return _images(records[:, heads:], where), records[:, column].astype(np.int64)


def _images(data: Any, where: str) -> np.ndarray:
    """Returns three planes a row, `(n, 3072)`, as `(n, 32, 32, 3)`."""
    if (
        not isinstance(data, np.ndarray)
        or data.dtype != np.uint8
        or data.shape[1:] != (PIXELS,)
    ):
        raise DataError(
            f"{where}: expected uint8 pixels of shape (images, {PIXELS}), got "
            f"{getattr(data, 'dtype', type(data).__name__)} "
            f"{getattr(data, 'shape', '')}."
        )
    return np.ascontiguousarray(data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _labels(values: Any, where: str) -> np.ndarray:
    try:
        return np.asarray(values, dtype=np.int64).reshape(-1)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"{where}: expected whole numbers as labels: {error}."
        ) from error


def _class_names(
    files: Mapping[str, bytes], source: str, labels: str, hundred: bool
) -> tuple[str, ...]:
    """Returns the names that the data set's own list gives, or the known ones."""
    known = {
        "fine": CIFAR100_CLASSES if hundred else CIFAR10_CLASSES,
        "coarse": CIFAR100_COARSE_CLASSES,
    }[labels]
    for meta in META:
        if meta in files:
            found = unpickle(files[meta], f"{source}: {meta}")
            names = found.get(f"{labels}_label_names" if hundred else "label_names")
            if isinstance(names, list) and len(names) == len(known):
                return tuple(
                    n.decode("utf-8", "replace") if isinstance(n, bytes) else str(n)
                    for n in names
                )
    return known


def _files(path: Path) -> dict[str, bytes]:
    """Returns the contents of the files that belong here, by name."""
    known = {*META, *(name for parts in LAYOUTS.values() for name in _flat(parts))}
    if path.is_dir():
        inner = _inner(path)
        return {
            name: _content(inner / name) for name in known if (inner / name).is_file()
        }
    try:
        return _members(path, known)
    except DataError:
        raise
    except (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        reason, *_ = str(error).splitlines() or [type(error).__name__]
        raise DataError(
            f"{path}: cannot be read as an archive of CIFAR: {reason.rstrip(':')}. "
            "If it is cut off, fetch it again."
        ) from error


def _inner(path: Path) -> Path:
    return next((path / f for f in FOLDERS if (path / f).is_dir()), path)


def _members(path: Path, known: set[str]) -> dict[str, bytes]:
    """Returns the known members of an archive; refuses absurd sizes."""
    files: dict[str, bytes] = {}
    total = 0
    with tarfile.open(path, mode="r:*") as archive:
        for member in archive:
            total += member.size
            if member.size > FILE_LIMIT or total > ARCHIVE_LIMIT:
                raise DataError(
                    f"{path}: {member.name!r} is too large for CIFAR ({member.size:,} "
                    f"bytes): not read."
                )
            name = member.name.rsplit("/", 1)[-1]
            if name in known and member.isfile():
                stream = archive.extractfile(member)
                files[name] = stream.read() if stream else b""
        while archive.fileobj and archive.fileobj.read(1 << 20):
            pass  # gzip compares its checksum at the end alone, behind the members
    return files


def _content(path: Path) -> bytes:
    size = path.stat().st_size
    if size > FILE_LIMIT:
        raise DataError(f"{path}: {size:,} bytes are too many for CIFAR: not read.")
    return path.read_bytes()


def _flat(parts: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(name for names in parts.values() for name in names)
