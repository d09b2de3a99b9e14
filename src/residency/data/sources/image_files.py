"""Image files: which names count, walking folders, and the index of what is found."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from residency.data.index import Index, shortened
from residency.data.sources.readers import FileReader
from residency.errors import DataError, did_you_mean

IMAGE_EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".tif", ".tiff"),
    *(".webp", ".avif", ".heic", ".heif", ".jp2", ".ppm", ".pgm", ".pbm", ".pnm"),
)
"""A file so named is a sample, even if it turns out to be broken."""

CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # moves a terminal's cursor, or worse

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


def index_files(
    source: str,
    found: Sequence[Found],
    order: Callable[[Iterable[str]], list[str]] = sorted,
) -> Index:
    """Returns the index of image files, its classes sorted, by name or by `order`.

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
    class_names = tuple(order(trained))
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


def is_image(name: str) -> bool:
    """Returns whether a file of this name is taken for an image.

    >>> is_image("a/B.JPG"), is_image("Thumbs.db"), is_image("a/._b.jpg")
    (True, False, False)
    """
    stem = name.rsplit("/", 1)[-1]
    return stem[:1] != "." and os.path.splitext(stem)[1].lower() in IMAGE_EXTENSIONS


def subfolders(folder: Path) -> list[str]:
    """Returns the names of the visible folders in `folder`, sorted."""
    with os.scandir(folder) as entries:
        return sorted(e.name for e in entries if _is_folder(e) and _is_visible(e.name))


def walk(folder: Path, above: Iterable[tuple[int, int]]) -> Iterator[tuple[Path, int]]:
    """Yields the path and the bytes of each image below `folder`.

    Args:
        folder: Where to start.
        above: `identity` of folders that links must not lead into.
    """
    seen = set(above)
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        if identity(here) in seen:  # a link back to where we have been
            continue
        seen.add(identity(here))
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


def readable(name: str) -> str:
    r"""Returns a name that can be printed on one line and written, whatever is in it.

    >>> print(readable("a\tb\x1b[1m.jpg"))
    a\x09b\x1b[1m.jpg
    """
    text = os.fsencode(name).decode("utf-8", errors="backslashreplace")
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size
    except OSError:  # a broken link: a sample that cannot be read
        return 0


def identity(folder: Path) -> tuple[int, int]:
    """Returns what tells a folder from every other one, however it was reached."""
    stat = folder.stat()
    return stat.st_dev, stat.st_ino


def _is_visible(folder: str) -> bool:
    return folder[0] != "." and folder not in IGNORED_FOLDERS


def missing(path: Path) -> str:
    """Returns what to say of a path that does not exist."""
    parent = path.absolute().parent
    wanted = path.name
    while not os.path.isdir(parent):
        parent, wanted = parent.parent, parent.name
    try:
        there = sorted(entry.name for entry in parent.iterdir() if entry.name[0] != ".")
    except OSError:  # it may be entered, and not listed
        return f"{path}: no such file or folder."
    return (
        f"{path}: no such file or folder. {parent} holds "
        f"{shortened(there) or 'nothing'}.{did_you_mean(wanted, there)}"
    )
