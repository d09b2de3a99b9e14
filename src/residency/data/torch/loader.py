"""Batches made by worker processes, in order: torch's `DataLoader`, one item a batch.

A worker gets a step's number and returns the whole batch, so what it makes cannot
depend on how many workers there are. Pixels travel in shared memory, uncopied.
"""

import atexit
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from residency.data.batch import Batch
from residency.errors import EngineError, ResidencyError


@dataclass(frozen=True, slots=True, eq=False)
class _Steps(Dataset[Any]):
    """The batches of one epoch as torch's map from position to item."""

    make: Callable[[int], Batch]
    steps: range

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, position: int) -> tuple[Any, ...] | ResidencyError:
        try:
            batch = self.make(self.steps[position])
        except ResidencyError as error:
            return error  # raised by torch, it would carry a traceback in its text
        arrays = (batch.images, batch.labels, batch.rows)
        return (*map(torch.from_numpy, arrays), batch.broken)


def ordered(
    make: Callable[[int], Batch], steps: range, workers: int
) -> Iterator[Batch]:
    """Yields `make(step)` for each of `steps`, in order, made by worker processes.

    Args:
        make: Makes one batch; it and all it holds can be pickled.
        steps: Numbers of the batches wanted.
        workers: Number of processes, at least 1. They end with the iterator, be it
            by an error, and with the program at the latest.

    Raises:
        EngineError: A worker process died.
        ResidencyError: As `make` raised it.
    """
    loader = DataLoader(
        _Steps(make, steps),
        batch_size=None,
        collate_fn=_unchanged,
        num_workers=min(workers, max(1, len(steps))),
        worker_init_fn=_leave_signals_to_main,
        # Its own: the global one decides the model's dropout, and a resume must
        # find it as it was.
        generator=torch.Generator(),
    )
    try:
        with _ended(iter(loader)) as items:
            for item in items:
                if isinstance(item, ResidencyError):
                    raise item
                images, labels, rows, broken = item
                yield Batch(images.numpy(), labels.numpy(), rows.numpy(), broken)
    except (RuntimeError, ConnectionError, EOFError, FileNotFoundError) as error:
        if not _tells_of_a_death(error):
            raise
        raise EngineError(
            f"A worker process that reads images died ({_first_line(error)}). Most "
            "often memory ran out: make do with one (--set data.workers=1), or with "
            "smaller images or batches."
        ) from error


@contextmanager
def _ended(items: Any) -> Iterator[Any]:
    """Ends the processes of a `DataLoader`'s iterator with the block, or the program.

    torch leaves it to the garbage collector, and an iterator that an error's traceback
    holds would outlive the block: at its end the program would wait for it for ever.
    """
    end = partial(_end, items)
    atexit.register(end)
    try:
        yield items
    finally:
        end()
        atexit.unregister(end)


def _end(items: Any) -> None:
    items._shutdown_workers()  # asks, and waits for seconds
    for worker in items._workers:
        if worker.is_alive():  # stuck, say in a lock of one that died
            worker.kill()
            worker.join()


def _tells_of_a_death(error: Exception) -> bool:
    """Tells whether a worker is gone, by torch's word or as its batch cannot be had."""
    told = str(error)
    if told.startswith("Caught "):  # what a worker raised
        return False
    return not isinstance(error, RuntimeError) or "DataLoader worker" in told


def _unchanged(item: Any) -> Any:
    return item


def _leave_signals_to_main(worker: int) -> None:
    """Ctrl-C, or torchrun's end, reaches every process; the main one ends these."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _first_line(error: Exception) -> str:
    first, *_ = str(error).splitlines() or [type(error).__name__]
    return first.rstrip(".")
