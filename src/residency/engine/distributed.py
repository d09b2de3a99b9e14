"""Several processes that train one model, started by `torchrun`.

The first of them, rank 0, does all that is done once: it measures, writes the run
folder and prints. What they do step by step is in `together`.
"""

import itertools
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import distributed
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from residency.engine.checkpoint import checkpoints
from residency.engine.processor import usable_cores
from residency.errors import EngineError

T = TypeVar("T")

FOR_EVER = timedelta(days=7)  # a dead process is noticed by its closed connections
SECONDS_TO_REPORT = 3.0  # for all to say that they live, when one died

_trainings = itertools.count()


class Lost(Exception):  # noqa: N818  not an error of its own:
    """Another process cannot be reached any more."""


@dataclass(slots=True)
class Processes:
    """This process among those that train together; as made here, it is alone."""

    rank: int = 0
    size: int = 1
    cores: int = field(default_factory=usable_cores)
    """CPU cores for each process on this machine."""
    share: float = 1.0
    """This process's part of the step's images, in [0, 1]."""
    folder: Path | None = None
    """Where the checkpoints of the run are, once it is known."""

    @property
    def first(self) -> bool:
        """This process measures, writes and prints."""
        return self.rank == 0

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """Returns `tensor`, changed in place to the sum over all processes."""
        if self.size > 1:
            _reached(distributed.all_reduce, tensor)
        return tensor

    def copy_first(self, tensor: torch.Tensor) -> None:
        """Gives `tensor`, in place, the values of the first process."""
        if self.size > 1:
            _reached(distributed.broadcast, tensor, 0)

    def from_first(self, make: Callable[[], T]) -> T:
        """Returns in every process what `make` returns in the first one."""
        found: list[Any] = [make() if self.first else None]
        if self.size > 1:
            _reached(distributed.broadcast_object_list, found)
        return found[0]

    def gather(self, value: T) -> list[T]:
        """Returns the values of all processes, by rank."""
        found: list[Any] = [value] * self.size
        if self.size > 1:
            _reached(distributed.all_gather_object, found, value)
        return found

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """Lets the first process do something before the others do the same.

        What it downloads or compiles is there for them.
        """
        if not self.first:
            self.sum(torch.zeros(1))
        yield
        if self.first:
            self.sum(torch.zeros(1))


def is_first() -> bool:
    """Tells whether this process prints: it is alone or rank 0."""
    return not distributed.is_torchelastic_launched() or os.environ["RANK"] == "0"


@contextmanager
def joined() -> Iterator[Processes]:
    """Joins the processes that `torchrun` started, until the block is left.

    With CUDA, each takes the GPU of its local rank; else each takes its part of the
    cores, unless `OMP_NUM_THREADS` is set to something else than torchrun's own 1.

    One error ends all: the first process to fail raises it, the others leave with
    `SystemExit`.

    Raises:
        EngineError: Another process died.
    """
    if not distributed.is_torchelastic_launched():
        yield Processes()
        return
    store, rank, size = next(rendezvous("env://"))
    store = PrefixStore(f"residency/{next(_trainings)}", store)
    here = int(os.environ["LOCAL_WORLD_SIZE"])
    processes = Processes(rank, size, max(1, usable_cores() // here))
    backend = "gloo"
    if torch.cuda.is_available():
        backend = "cpu:gloo,cuda:nccl"
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    elif os.environ.get("OMP_NUM_THREADS", "1") == "1":
        torch.set_num_threads(processes.cores)
    if not processes.first:
        logging.getLogger("residency").setLevel(logging.ERROR)
    distributed.init_process_group(
        backend, store=store, rank=rank, world_size=size, timeout=FOR_EVER
    )
    before = signal.getsignal(signal.SIGTERM)
    _on_terminate(signal.default_int_handler)
    try:
        yield processes
    except BaseException as error:
        _on_terminate(signal.SIG_IGN)  # torchrun asks those left to end
        tells = store.add("failed", 1) == 1
        store.set(f"left/{rank}", "")
        distributed.destroy_process_group()  # so that all notice
        if not tells:
            raise SystemExit(1) from error
        ended = isinstance(error, Lost | KeyboardInterrupt)
        dead = _dead(store, size) if ended else []
        _on_terminate(before)
        if dead:
            raise EngineError(_farewell(processes, dead)) from error
        raise
    distributed.destroy_process_group()
    _on_terminate(before)


def _reached(collective: Callable[..., Any], *args: Any) -> None:
    """Calls a collective operation of torch; `Lost` if that fails."""
    try:
        collective(*args)
    except RuntimeError as error:
        raise Lost(str(error)) from error


def _on_terminate(handler: Any) -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)


def _dead(store: Store, size: int) -> list[int]:
    """Returns the ranks of the processes that died, after waiting for the others."""
    end = time.monotonic() + SECONDS_TO_REPORT
    while True:
        dead = [rank for rank in range(size) if not store.check([f"left/{rank}"])]
        if not dead or time.monotonic() > end:
            return dead
        time.sleep(0.05)


def _farewell(processes: Processes, dead: list[int]) -> str:
    """Returns what is told when processes died, and how to go on."""
    ranks = ", ".join(map(str, dead))
    text = f"the process of rank {ranks} died: it was killed, or memory ran out."
    found = checkpoints(processes.folder) if processes.folder else []
    if not found or processes.folder is None:
        return f"{text} No checkpoint was written yet: start again."
    step = int(found[-1].stem.removeprefix("step-"))
    here = os.environ["LOCAL_WORLD_SIZE"]
    return (
        f"{text} The checkpoint of step {step:,} is whole; go on with: torchrun "
        f"--nproc-per-node={here} -m residency resume {processes.folder.parent}"
    )
