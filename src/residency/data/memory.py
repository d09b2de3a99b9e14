"""How much memory is free, to decide whether decoded images stay in it."""

import os
import re
from pathlib import Path

_UNKNOWN = 4 << 30  # what a machine that does not tell is taken to have


def available_memory(
    meminfo: Path = Path("/proc/meminfo"), cgroup: Path = Path("/sys/fs/cgroup")
) -> int:
    """Returns the bytes a process can take without swapping, container limit included.

    Args:
        meminfo: Linux' table of memory.
        cgroup: Folder of the container's limit (version 2), `memory.max`.
    """
    found = re.search(r"MemAvailable:\s+(\d+) kB", _text(meminfo))
    free = int(found.group(1)) * 1024 if found else _physical()
    limit, used = _text(cgroup / "memory.max"), _text(cgroup / "memory.current")
    if limit.strip().isdigit() and used.strip().isdigit():
        free = min(free, max(0, int(limit) - int(used)))
    return free


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _physical() -> int:
    """Returns half of all memory: macOS does not say how much is free."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):  # Windows
        return _UNKNOWN
