"""Photos in one folder a class, flat or below ready train/validation/test folders."""

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from residency.data.index import Index, shortened
from residency.data.sources.image_files import (
    IMAGE_EXTENSIONS,
    Found,
    identity,
    index_files,
    is_image,
    missing,
    readable,
    subfolders,
    walk,
)
from residency.errors import DataError

logger = logging.getLogger(__name__)

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
    try:
        found = _found(root)
    except OSError as error:
        raise DataError(
            f"{error.filename}: cannot be read: {error.strerror}."
        ) from error
    return index_files(str(path), found)


def _found(root: Path) -> list[Found]:
    """Returns the images below `root`, by name."""
    folders = subfolders(root)
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
    return found


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


def _part_folders(root: Path, folders: Sequence[str]) -> dict[str, Path]:
    """Returns the ready parts, if that is the layout."""
    named: dict[str, list[str]] = {}
    for name in folders:
        if name.lower() in PART_NAMES and subfolders(root / name):
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
    classes = subfolders(folder)
    if loose and classes:
        logger.warning("%s: left out %d images outside class folders", folder, loose)
    above = {identity(folder), *map(identity, folder.resolve().parents)}
    for name in classes:
        images = list(walk(folder / name, above))
        if not images and part in (None, "train"):
            raise DataError(_empty_class(root, folder / name, classes))
        for path, size in images:
            relative = readable(path.relative_to(root).as_posix())
            yield Found(relative, path, size, label=readable(name), part=part)


def _require_parts_outside(root: Path, folders: Sequence[str]) -> None:
    """Raises `DataError` if part folders lie inside the class folders."""
    for name in folders:
        inside = [n for n in subfolders(root / name) if n.lower() in PART_NAMES]
        if len({PART_NAMES[n.lower()] for n in inside}) > 1:
            raise DataError(
                f"{root}: {name} holds the parts {', '.join(inside)}. If it is a data "
                f"set, give {root / name}; if it is a class, the parts go outside: "
                f"{inside[0]}/{name}/."
            )


def _require_class_folders(root: Path, only: str) -> None:
    """Raises `DataError` if the classes lie one folder further down."""
    below = [
        name for name in subfolders(root / only) if any(walk(root / only / name, ()))
    ]
    if len(below) > 1:
        raise DataError(
            f"{root}: one class only ({only}), at least 2 are needed. {only} holds "
            f"the folders {shortened(below)}: did you mean {root / only}?"
        )


def _empty_class(root: Path, folder: Path, classes: Sequence[str]) -> str:
    """Returns what to say of a class folder without images."""
    if not any(next(walk(folder.parent / name, ()), None) for name in classes):
        return _nothing_found(root, classes)
    return (
        f"{root}: class folder {folder.name!r} holds no image. Add some, or remove "
        f"the folder. Looked for {' '.join(IMAGE_EXTENSIONS)}."
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
        f"dogs/*.jpg), or the same below train/, val/ and test/, with "
        f"{' '.join(IMAGE_EXTENSIONS)}. The folder holds {what}."
    )
