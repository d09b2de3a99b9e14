"""Set before any test module imports Keras: its backend, and one thread.

With one thread, sums of floats have the same order on every machine, and other work
on it does not slow the tests down; `OMP_NUM_THREADS` asks for more.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from residency import _backend  # noqa: F401
