"""The CPU under a training: its cores and what the C library does with memory."""

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h of glibc


@contextmanager
def cores_left_by(workers: int, cores: int) -> Iterator[None]:
    """Runs torch on the cores that `workers` busy processes leave it of `cores`.

    Threads of one sum wait for each other, so one that shares its core holds up all:
    a step on two cores beside one busy process took four times as long on two threads
    as alone, and not even twice as long on one.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, cores - workers)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def usable_cores() -> int:
    """Returns the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_freed_memory() -> bool:
    """Makes glibc keep what is freed, for this process from now on; `True`: it does.

    Else it gives large tensors back to the system, and each step fetches them anew,
    page by page: a tenth of the time of ResNet-50 in float32. The most memory that a
    training holds is the same.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, -1))  # never
