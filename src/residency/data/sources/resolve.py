"""From what the user typed to an index: a name, `kind:PATH`, a path, or arrays."""

import logging
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
from residency.errors import DataError, did_you_mean

logger = logging.getLogger(__name__)

KINDS: dict[str, Callable[[str], Index]] = {
    "folder": from_folder,
    "csv": from_csv,
    "npz": from_npz,
    "cifar": from_cifar,
    "idx": from_idx,
}
"""How `kind:PATH` is read."""

ARCHIVES = (".tar.gz", ".tgz", ".tar", ".tar.xz", ".tar.bz2")
MODELS = (".keras", ".h5", ".hdf5", ".pt", ".pth", ".safetensors", ".onnx")


def resolve(source: Any, progress: Progress | None = None) -> Index:
    """Returns the index of a data set.

    Args:
        source: A name (`"cifar10"`), `"kind:PATH"` with a kind of `KINDS`, the path of
            a folder or file, or arrays as `from_arrays` takes them. A name goes
            before a folder called the same: write `./cifar10` for the folder.
        progress: Called with `(bytes done, bytes in all)` while it is fetched.

    Raises:
        DataError: Nothing of the kind exists, or it cannot be used.
    """
    if not isinstance(source, str | Path):
        return from_arrays(source)
    text = str(source)
    if isinstance(source, str) and text in CATALOG:
        if Path(text).exists():
            logger.warning(
                "%s: the known data set is taken, not the folder ./%s", text, text
            )
        return from_name(text, progress)
    kind, colon, rest = text.partition(":")
    if colon and kind in KINDS:
        path = Path(rest).expanduser()
        if not rest or not path.exists():
            raise DataError(missing(path))
        return KINDS[kind](str(path))
    path = Path(text).expanduser()
    if not text or not path.exists():
        raise DataError(_unknown(text, path))
    return KINDS[guess_kind(path)](str(path))


def absolute(source: str | Path) -> str:
    """Returns a source that means the same from every folder; names stay names.

    >>> absolute("cifar10")
    'cifar10'
    """
    text = str(source)
    if isinstance(source, str) and text in CATALOG:
        return text
    kind, colon, rest = text.partition(":")
    if colon and kind in KINDS:
        return f"{kind}:{absolute(Path(rest))}"
    path = Path(text).expanduser()
    return str(path.absolute()) if text and path.exists() else text


def guess_kind(path: Path) -> str:
    """Returns which of `KINDS` an existing path is.

    Raises:
        DataError: It is none of them; the message says what it is instead.
    """
    if path.is_dir():
        return "cifar" if is_cifar(path) else "idx" if is_idx(path) else "folder"
    name = path.name.lower()
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
        f"class, a .csv, .npz or CIFAR .tar.gz file, or one of {', '.join(CATALOG)}."
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
