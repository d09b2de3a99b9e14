"""Writing a file whole or not at all."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> Path:
    """Writes `content` to `path` so that no reader ever sees half of it.

    The bytes go to a hidden file beside `path`, reach the disk, and take the
    name in one step. If writing fails, what stood at `path` still stands there.

    Args:
        path: The file to make or replace. Its folder is made when missing.
        content: All of the file.

    Returns:
        `path`.

    Raises:
        OSError: The folder cannot be written to, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
