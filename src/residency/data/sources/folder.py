"""Photos in one folder a class, flat or below ready train/validation/test folders."""

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from residency.data.index import Index, shortened
from residency.data.sources.readers import FileReader
from residency.errors import DataError, did_you_mean

logger = logging.getLogger(__name__)

JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")
PHONE = (".heic", ".heif", ".avif", ".webp")
OTHER = (
    ".png",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
    ".jp2",
    ".ppm",
    ".pgm",
    ".pbm",
    ".pnm",
)
IMAGE_EXTENSIONS = (*JPEG, *PHONE, *OTHER)
"""A file so named is a sample, even if it turns out to be broken."""

PART_NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
}
"""Folder names of ready parts, in any case."""

IGNORED_FOLDERS = frozenset({"__MACOSX", "@eaDir"})  # made by macOS and Synology


@dataclass(frozen=True, slots=True)
class Found:
    """One image file of a class folder."""

    name: str
    """Path below the source, with `/`."""
    path: Path
    size: int
    """Bytes; 0 for a broken link."""
    label: str
    part: str | None


def from_folder(path: str | Path) -> Index:
    """Returns the index of a folder of photos.

    Two layouts: `cats/*.jpg dogs/*.jpg`, or `train/cats/*.jpg test/cats/*.jpg` with
    the part names of `PART_NAMES`. Subfolders of a class folder belong to the class.
    Hidden files and files that are no images by name are left out.

    Args:
        path: The folder.

    Raises:
        DataError: No such folder, no class folders, one class only, a class folder
            without images, or a class that the train part lacks.
    """
    root = Path(path)
    require_folder(root)
    folders = _subfolders(root)
    parts = _part_folders(root, folders)
    if parts:
        found = [
            image
            for part, folder in parts.items()
            for image in _classes(root, folder, part)
        ]
    else:
        _require_parts_outside(root, folders)
        found = list(_classes(root, root, None))
    if not found:
        raise DataError(_nothing_found(root, folders))
    found.sort(key=lambda image: image.name)
    if not parts and len({image.label for image in found}) == 1:
        _require_class_folders(root, found[0].label)
    return index_files(str(path), found)


def index_files(source: str, found: Sequence[Found]) -> Index:
    """Returns the index of image files, its classes sorted by name.

    Raises:
        DataError: One class only, or a class that the train part lacks.
    """
    trained = {image.label for image in found if image.part in (None, "train")}
    for image in found:
        if image.label not in trained:
            raise DataError(
                f"{source}: class {image.label!r} is in the {image.part} part but not "
                f"in train, which has {shortened(sorted(trained))}."
                f"{did_you_mean(image.label, trained)}"
            )
    class_names = tuple(sorted(trained))
    if len(class_names) < 2:
        raise DataError(
            f"{source}: one class only ({shortened(class_names)}), at least 2 are "
            f"needed: one folder a class."
        )
    number = {name: i for i, name in enumerate(class_names)}
    has_parts = any(image.part for image in found)
    return Index(
        source=source,
        names=tuple(image.name for image in found),
        labels=np.array([number[image.label] for image in found], dtype=np.int64),
        class_names=class_names,
        reader=FileReader(tuple(image.path for image in found)),
        rows=np.arange(len(found)),
        sizes=np.array([image.size for image in found], dtype=np.int64),
        parts=tuple(image.part or "train" for image in found) if has_parts else None,
    )


def require_folder(path: Path) -> None:
    """Raises `DataError`, saying what is there instead, unless `path` is a folder."""
    if path.is_dir():
        return
    if path.suffix.lower() in IMAGE_EXTENSIONS and path.exists():
        raise DataError(
            f"{path} is one image, not a data set. To classify it: "
            f"residency predict RUN {path}"
        )
    if path.exists():
        raise DataError(
            f"{path} is a file; expected a folder with one subfolder of images a class."
        )
    raise DataError(missing(path))


def missing(path: Path) -> str:
    """Returns what to say of a path that does not exist."""
    parent = path.absolute().parent
    wanted = path.name
    while not parent.is_dir():
        parent, wanted = parent.parent, parent.name
    there = sorted(entry.name for entry in parent.iterdir() if entry.name[0] != ".")
    return (
        f"{path}: no such file or folder. {parent} holds "
        f"{shortened(there) or 'nothing'}.{did_you_mean(wanted, there)}"
    )


def is_image(name: str) -> bool:
    """Returns whether a file of this name is taken for an image.

    >>> is_image("a/B.JPG"), is_image("Thumbs.db"), is_image("a/._b.jpg")
    (True, False, False)
    """
    stem = name.rsplit("/", 1)[-1]
    return stem[:1] != "." and os.path.splitext(stem)[1].lower() in IMAGE_EXTENSIONS


def _part_folders(root: Path, folders: Sequence[str]) -> dict[str, Path]:
    """Returns the ready parts, if that is the layout."""
    named: dict[str, list[str]] = {}
    for name in folders:
        if name.lower() in PART_NAMES and _subfolders(root / name):
            named.setdefault(PART_NAMES[name.lower()], []).append(name)
    all_parts = bool(folders) and all(name.lower() in PART_NAMES for name in folders)
    if not named or ("train" not in named and not all_parts):
        return {}
    if "train" not in named:
        raise DataError(
            f"{root}: found the parts {', '.join(sorted(named))} but none to train "
            f"on. Expected train/ with one folder a class; there is "
            f"{shortened(sorted(folders))}."
        )
    for part, names in named.items():
        if len(names) > 1:
            raise DataError(
                f"{root}: {' and '.join(names)} both stand for the {part} part. "
                f"Keep one."
            )
    left_out = sorted(set(folders) - {names[0] for names in named.values()})
    if left_out:
        logger.warning(
            "%s: left out %s: no part with class folders", root, shortened(left_out)
        )
    return {part: root / names[0] for part, names in named.items()}


def _classes(root: Path, folder: Path, part: str | None) -> Iterator[Found]:
    """Yields the images of the class folders in `folder`."""
    loose = sum(is_image(entry.name) for entry in os.scandir(folder))
    classes = _subfolders(folder)
    if loose and classes:
        logger.warning("%s: left out %d images outside class folders", folder, loose)
    above = {_identity(folder), *map(_identity, folder.resolve().parents)}
    for name in classes:
        images = list(_walk(folder / name, above))
        if not images and part in (None, "train"):
            raise DataError(_empty_class(root, folder / name, classes))
        for path, size in images:
            relative = _readable(path.relative_to(root).as_posix())
            yield Found(relative, path, size, label=_readable(name), part=part)


def _walk(folder: Path, above: Iterable[tuple[int, int]]) -> Iterator[tuple[Path, int]]:
    """Yields image paths and their bytes below `folder`, each folder once."""
    seen = set(above)
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        if _identity(here) in seen:  # a link back to where we have been
            continue
        seen.add(_identity(here))
        with os.scandir(here) as entries:
            for entry in entries:
                if _is_folder(entry):
                    if _is_visible(entry.name):
                        waiting.append(here / entry.name)
                elif is_image(entry.name):
                    yield here / entry.name, _size(entry)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _readable(name: str) -> str:
    """Returns a file name that can be printed and written, whatever its bytes."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size
    except OSError:  # a broken link: a sample that cannot be read
        return 0


def _identity(folder: Path) -> tuple[int, int]:
    stat = folder.stat()
    return stat.st_dev, stat.st_ino


def _is_visible(folder: str) -> bool:
    return folder[0] != "." and folder not in IGNORED_FOLDERS


def _require_parts_outside(root: Path, folders: Sequence[str]) -> None:
    """Raises `DataError` if part folders lie inside the class folders."""
    for name in folders:
        inside = [n for n in _subfolders(root / name) if n.lower() in PART_NAMES]
        if len({PART_NAMES[n.lower()] for n in inside}) > 1:
            raise DataError(
                f"{root}: {name} holds the parts {', '.join(inside)}. If it is a data "
                f"set, give {root / name}; if it is a class, the parts go outside: "
                f"{inside[0]}/{name}/."
            )


def _require_class_folders(root: Path, only: str) -> None:
    """Raises `DataError` if the classes lie one folder further down."""
    below = [
        name for name in _subfolders(root / only) if any(_walk(root / only / name, ()))
    ]
    if len(below) > 1:
        raise DataError(
            f"{root}: one class only ({only}), at least 2 are needed. {only} holds "
            f"the folders {shortened(below)}: did you mean {root / only}?"
        )


def _subfolders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(e.name for e in entries if _is_folder(e) and _is_visible(e.name))


def _empty_class(root: Path, folder: Path, classes: Sequence[str]) -> str:
    """Returns what to say of a class folder without images."""
    if not any(next(_walk(folder.parent / name, ()), None) for name in classes):
        return _nothing_found(root, classes)
    return (
        f"{root}: class folder {folder.name!r} holds no image. Add some, or remove "
        f"the folder. Looked for {_extensions()}."
    )


def _nothing_found(root: Path, folders: Sequence[str]) -> str:
    """Returns what was looked for in `root`, and what there is."""
    there = sorted(entry.name for entry in root.iterdir())
    loose = sum(is_image(name) for name in there)
    what = (
        f"{loose} images outside class folders"
        if loose and not folders
        else (shortened(there) or "nothing")
    )
    return (
        f"{root}: no images found. Looked for one folder a class (cats/*.jpg, "
        f"dogs/*.jpg), or the same below train/, val/ and test/, with {_extensions()}. "
        f"The folder holds {what}."
    )


def _extensions() -> str:
    return " ".join(IMAGE_EXTENSIONS)
