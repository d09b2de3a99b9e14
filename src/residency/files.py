"""Files that are either whole or absent, whatever happens while they are written."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from residency.errors import ExportError

TEMPORARY = ".tmp"  # in the name of every file that is not yet whole


def cache_folder() -> Path:
    """Returns where downloads and compiled kernels are kept.

    `$RESIDENCY_CACHE`, else `$XDG_CACHE_HOME/residency`, else `~/.cache/residency`.
    """
    if own := os.environ.get("RESIDENCY_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "residency"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside `path`; at the end it takes that name.

    The file is flushed to disk before it is renamed, so a crash at any moment
    leaves the old file or the new one, never a part. Folders are made. A link stays
    one, and the file it leads to is replaced; what is there and no file, such as a
    device or a pipe, is itself given and written to.

    Raises:
        ExportError: The folder cannot be written or the disk is full; the old
            file is untouched and the temporary one removed.
    """
    through = os.path.exists(path) and not (path.is_file() or path.is_dir())
    target = path if through else Path(os.path.realpath(path))
    temporary = target.with_name(f".{os.getpid()}{TEMPORARY}.{path.name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield target if through else temporary
        if not through:
            _flush(temporary)
            temporary.replace(target)
            _flush(target.parent)
    except OSError as error:
        raise ExportError(
            f"{path}: cannot be written ({error.strerror or error}). "
            "Free some space or choose another folder with --out."
        ) from error
    finally:
        with suppress(OSError):  # it was renamed, or never made
            temporary.unlink()


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented UTF-8 JSON, whole or not at all."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    if not _is_unicode(text):  # a file name in no known encoding: escaped, then
        text = json.dumps(value, indent=1, allow_nan=False)
    write_text(path, text + "\n")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 `text`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def sweep(folder: Path) -> None:
    """Removes what writers that were killed left behind in `folder` and below."""
    for path in folder.rglob(f".*{TEMPORARY}*"):
        path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    if os.name != "posix" and path.is_dir():
        return  # only there can a folder be opened, and need be
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
