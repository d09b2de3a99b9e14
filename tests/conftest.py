"""Set before any test module imports Keras: its backend, and one thread.

With one thread, sums of floats have the same order on every machine, and other work
on it does not slow the tests down; `OMP_NUM_THREADS` asks for more.
"""

import os
import subprocess
import sys

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")

from residency import _backend  # noqa: F401

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")


@pytest.fixture(scope="session")
def two_processes():
    """Returns a function that starts two processes, as `torchrun` does.

    It takes the folder they work in and what follows `torchrun` on a command line.
    """

    def start(folder, *command) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *TORCHRUN, *command],
            cwd=folder,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start
