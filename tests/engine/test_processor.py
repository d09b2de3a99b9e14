"""Threads and memory of a training, as the system counts them."""

import os
import subprocess
import sys

import pytest
import torch

from residency.engine.processor import cores_left_by, usable_cores


def test_a_core_is_left_to_each_loader_process():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        for workers, threads in ((0, 4), (1, 3), (3, 1), (9, 1)):
            with cores_left_by(workers, 4):
                assert torch.get_num_threads() == threads
            assert torch.get_num_threads() == 4
        torch.set_num_threads(2)  # as OMP_NUM_THREADS=2 would
        with cores_left_by(1, 4):
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux counts so")
def test_usable_cores_are_those_of_the_process():
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from residency.engine.processor import usable_cores; print(usable_cores())"
    )
    run = [sys.executable, "-c", code]
    assert subprocess.run(run, capture_output=True, check=True).stdout.strip() == b"1"
    assert usable_cores() == len(os.sched_getaffinity(0))


FAULTS = """
import resource, sys, torch
from residency.engine.processor import keep_freed_memory
kept = sys.argv[1] == "keep" and keep_freed_memory()
for round in range(42):
    if round == 22:  # the heap has grown
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.zeros(50_000_000, dtype=torch.uint8)
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
def test_freed_memory_is_not_fetched_anew():
    """Twenty tensors of 50 MB, of 12,207 pages each; the heap may grow once more."""

    def faults(how):
        run = [sys.executable, "-c", FAULTS, how]
        kept, count = subprocess.run(
            run, capture_output=True, check=True
        ).stdout.split()
        return kept == b"True", int(count)

    kept, count = faults("keep")
    if not kept:
        pytest.skip("the C library is not glibc")
    assert count < 50_000
    assert faults("leave")[1] > 200_000


LARGE = """
import ctypes
from residency.engine.processor import keep_freed_memory
library = ctypes.CDLL(None)
malloc, free, end_of_heap = library.malloc, library.free, library.sbrk
malloc.restype = end_of_heap.restype = ctypes.c_void_p
malloc.argtypes, free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
kept = keep_freed_memory()
before = end_of_heap(0)
free(malloc(3 << 30))  # never written: it takes no memory
print(kept, end_of_heap(0) - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
def test_more_than_two_gib_are_kept_too():
    run = [sys.executable, "-c", LARGE]
    kept, grown = subprocess.run(run, capture_output=True, check=True).stdout.split()
    if kept != b"True":
        pytest.skip("the C library is not glibc")
    assert int(grown) > 2 << 30
