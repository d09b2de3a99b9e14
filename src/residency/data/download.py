"""Fetches one file from its official place, checked against its published hash."""

import contextlib
import hashlib
import http.client
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from residency.errors import DataError

Progress = Callable[[int, int], None]
"""Called with `(done, total)`: bytes here; the total is 0 if it is not known."""

BLOCK = 1 << 20  # bytes between two calls of the progress
TIMEOUT_SECONDS = 30  # without a single byte


@dataclass(frozen=True, slots=True)
class Remote:
    """A file on the web that never changes."""

    url: str
    digest: str
    """Published hash, `"md5:..."` or `"sha256:..."`; its first digits, where no more
    were published."""

    @property
    def name(self) -> str:
        """File name, the last part of the address."""
        return self.url.rsplit("/", 1)[-1]


def fetch(remote: Remote, folder: Path, progress: Progress | None = None) -> Path:
    """Downloads `remote` into `folder`, unless it is there.

    The file gets its name only when it is complete and its hash is right.

    Returns:
        Path of the file.

    Raises:
        DataError: It cannot be fetched or written, or its hash is another.
    """
    target = folder / remote.name
    if target.is_file():
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, partial = tempfile.mkstemp(dir=folder, prefix=f".{remote.name}.")
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            got = _copy(remote, file, progress)
            file.flush()
            os.fsync(file.fileno())
        if not got.startswith(remote.digest):
            raise DataError(
                f"{remote.url}: expected {remote.digest}, got {got}: damaged on the "
                f"way, or another file. Try again later."
            )
        os.replace(partial, target)
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, DataError):
            raise
        reason = getattr(error, "reason", None) or str(error).strip() or repr(error)
        raise DataError(f"{remote.url}: cannot be fetched: {reason}.") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)
    return target


def _copy(remote: Remote, file, progress: Progress | None) -> str:
    """Writes the body of the answer; returns its digest as `Remote` has it."""
    kind = remote.digest.split(":", 1)[0]
    digest = hashlib.new(kind, usedforsecurity=False)
    with urllib.request.urlopen(remote.url, timeout=TIMEOUT_SECONDS) as answer:
        total = int(answer.headers.get("Content-Length") or 0)
        done = 0
        while block := answer.read(BLOCK):
            file.write(block)
            digest.update(block)
            done += len(block)
            if progress is not None:
                progress(done, total)
    return f"{kind}:{digest.hexdigest()}"
