"""From what the user typed to an index: a name, `kind:PATH`, a path, or arrays."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from residency.data.download import Progress
from residency.data.index import Index
from residency.data.sources.arrays import from_arrays, from_npz
from residency.data.sources.catalog import CATALOG, from_name
from residency.data.sources.cifar import from_cifar, is_cifar
from residency.data.sources.folder import from_folder
from residency.data.sources.idx import from_idx, is_idx
from residency.data.sources.image_files import is_image, missing
from residency.data.sources.table import from_csv
from residency.data.sources.tfrecord import SHARD, from_tfrecord, is_tfrecord
from residency.errors import DataError, did_you_mean

logger = logging.getLogger(__name__)

KINDS: dict[str, Callable[[str], Index]] = {
    "folder": from_folder,
    "csv": from_csv,
    "npz": from_npz,
    "cifar": from_cifar,
    "idx": from_idx,
    "tfrecord": from_tfrecord,
}
"""How `kind:PATH` is read."""

ARCHIVES = (".tar.gz", ".tgz", ".tar", ".tar.xz", ".tar.bz2")
MODELS = (".keras", ".h5", ".hdf5", ".pt", ".pth", ".safetensors", ".onnx")


def resolve(source: Any, progress: Progress | None = None) -> Index:
    """Returns the index of a data set.

    Args:
        source: A name (`"cifar10"`), `"kind:PATH"` with a kind of `KINDS`, the path of
            a folder or file, or arrays as `from_arrays` takes them. A name goes
            before a folder called the same: write `./cifar10` for the folder, or
            give a `Path`, which is never a name.
        progress: Called with `(bytes done, bytes in all)` while it is fetched.

    Raises:
        DataError: Nothing of the kind exists, or it cannot be used.
    """
    if isinstance(source, Path):
        return _read(source)
    if not isinstance(source, str):
        return from_arrays(source)
    if source in CATALOG:
        if os.path.exists(source):
            logger.warning(
                "%s: the known data set is taken, not the folder ./%s", source, source
            )
        return from_name(source, progress)
    kind, colon, rest = source.partition(":")
    if colon and kind in KINDS:
        return _read(rest, kind)
    return _read(source)


def absolute(source: str | Path) -> str:
    """Returns a source that means the same from every folder; names stay names.

    >>> absolute("cifar10")
    'cifar10'
    """
    if source in CATALOG:
        return str(source)
    kind, colon, rest = str(source).partition(":")
    if isinstance(source, str) and colon and kind in KINDS:
        return f"{kind}:{absolute(Path(rest))}" if rest else source
    path = _expanded(source)
    if source != "" and os.path.exists(path):
        return str(path.absolute())
    return _unmistakable(path) if isinstance(source, Path) else source


def _read(given: str | Path, kind: str | None = None) -> Index:
    """Returns the index of an existing path."""
    path = _expanded(given)
    try:
        if given == "" or not _exists(path):
            known = kind is not None or isinstance(given, Path)
            raise DataError(missing(path) if known else _unknown(str(given), path))
        return KINDS[kind or guess_kind(path)](_unmistakable(path))
    except OSError as error:
        where = error.filename or path
        raise DataError(
            f"{where}: cannot be read: {error.strerror or error}."
        ) from error


def _expanded(path: str | Path) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise DataError(
            f"{path}: no user of this name has a home folder here. For a folder that "
            f"is called so, write ./{path}"
        ) from error


def _exists(path: Path) -> bool:
    """Returns whether something is there; raises `OSError` if that cannot be seen."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last: a NUL
        return False
    return True


def _unmistakable(path: Path) -> str:
    """Returns a path as a text that is neither a name nor `kind:PATH`."""
    kind, colon, _ = str(path).partition(":")
    looks = str(path) in CATALOG or (colon and kind in KINDS)
    return f"./{path}" if looks else str(path)


def guess_kind(path: Path) -> str:
    """Returns which of `KINDS` an existing path is.

    Raises:
        DataError: It is none of them; the message says what it is instead.
    """
    if path.is_dir():
        kinds = {"cifar": is_cifar, "idx": is_idx, "tfrecord": is_tfrecord}
        return next((kind for kind, fits in kinds.items() if fits(path)), "folder")
    name = path.name.lower()
    if SHARD.search(name):
        return "tfrecord"
    if name.endswith((".csv", ".tsv")):
        return "csv"
    if name.endswith(".npz"):
        return "npz"
    if name.endswith(ARCHIVES):
        return "cifar"
    if is_image(name):
        raise DataError(
            f"{path} is one image, not a data set. To classify it: "
            f"residency predict RUN {path}"
        )
    if name.endswith(MODELS):
        raise DataError(
            f"{path} is a model file, not a data set. To measure it on one: "
            f"residency evaluate {path} --data FOLDER"
        )
    if name.endswith(".zip"):
        raise DataError(f"{path}: unpack it first, then give the folder.")
    if "-ubyte" in name:
        raise DataError(f"{path}: give the folder it is in: {path.parent}")
    raise DataError(
        f"{path} is no data set: expected a folder with one subfolder of images a "
        "class, a .csv, .npz, .tfrecord or CIFAR .tar.gz file, or one of "
        f"{', '.join(CATALOG)}."
    )


def _unknown(text: str, path: Path) -> str:
    kind, colon, _ = text.partition(":")
    if colon and "/" not in kind and len(kind) > 1:
        return (
            f"{text}: no kind of data set {kind!r}.{did_you_mean(kind, KINDS)} "
            f"Expected one of {', '.join(KINDS)}."
        )
    hint = did_you_mean(text, CATALOG)
    if len(path.parts) > 1:
        return missing(path)
    return f"{missing(path)}{hint} Data sets known by name: {', '.join(CATALOG)}."
