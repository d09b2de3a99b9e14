"""Worker processes give what this process gives, and end as they should."""

import multiprocessing
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch.utils.data

from residency.data.dataset import Part
from residency.data.frames import MemoryFrames
from residency.data.index import Index
from residency.data.pipeline import Batch, Pipeline
from residency.data.torch.loader import ordered
from residency.data.transforms import PadCrop, RandomFlip, RandomResizedCrop
from residency.errors import BrokenImageError, DataError, EngineError
from residency.records import Quarantined


class Photos:
    """Frames of many sizes; the third one is broken."""

    def __len__(self) -> int:
        return 11

    def __getitem__(self, i: int) -> np.ndarray:
        if i == 2:
            raise BrokenImageError("truncated")
        rng = np.random.default_rng(i)
        return rng.integers(0, 256, (10 + i, 20 - i, 3), np.uint8)


def part_of(frames) -> Part:
    rows = np.arange(11)
    names = tuple(f"{i}.png" for i in rows)
    return Part(
        "train", Index("t", names, rows % 2, ("a", "b"), None, rows, rows), frames
    )


def small(step: int) -> Batch:
    return Batch(
        np.full((1, 2, 2, 3), step, np.uint8), np.zeros(1, int), np.zeros(1, int)
    )


def dies(step: int) -> Batch:
    if step == 2:
        os._exit(3)
    return small(step)


def gets_stuck(step: int) -> Batch:
    if step:
        time.sleep(3600)
    return small(step)


def fails(kind: type[Exception], step: int) -> Batch:
    raise kind("no such thing")


def complains(step: int) -> Batch:
    raise DataError("train: no good.")


def test_two_workers_give_what_none_gives():
    squares = np.random.default_rng(0).integers(0, 256, (11, 8, 8, 3), np.uint8)
    cases = [
        (MemoryFrames(squares, np.arange(11)), (PadCrop(), RandomFlip())),
        (Photos(), (RandomResizedCrop(), RandomFlip())),
    ]
    for frames, transforms in cases:
        make = partial(
            Pipeline,
            part_of(frames),
            image_size=8,
            batch_size=3,
            transforms=transforms,
        )
        alone, helped = list(make().epoch(1, 1)), list(make(workers=2).epoch(1, 1))
        assert len(alone) == len(helped) == 3
        for a, b in zip(alone, helped, strict=True):
            assert np.array_equal(a.images, b.images)
            assert np.array_equal(a.labels, b.labels)
            assert np.array_equal(a.rows, b.rows)
            assert a.broken == b.broken
    broken = {each for batch in helped for each in batch.broken}
    assert broken <= {Quarantined("2.png", "truncated")}


def test_more_workers_than_steps_and_no_step():
    assert [b.images[0, 0, 0, 0] for b in ordered(small, range(1), 3)] == [0]
    assert list(ordered(small, range(0), 2)) == []


def test_an_error_of_the_data_comes_through_as_it_is():
    with pytest.raises(DataError, match=r"^train: no good\.$"):
        list(ordered(complains, range(3), 1))


# torch's handler raises wherever the program is: in a callback of the garbage
# collector, which Hypothesis has, it is a warning, and the next wait sees the death.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_worker_that_dies_is_one_clear_error():
    with pytest.raises(EngineError, match=r"worker process .* died .* data\.workers=1"):
        list(ordered(dies, range(5), 2))


@pytest.mark.parametrize(
    "error",
    [ConnectionResetError(104, "reset by peer"), EOFError(), FileNotFoundError(2)],
)
def test_a_worker_that_dies_while_its_batch_is_fetched_is_that_error(
    error, monkeypatch
):
    class Loader:
        def __init__(self, *given, **named):
            pass

        def __iter__(self):
            raise error

    monkeypatch.setattr("residency.data.torch.loader.DataLoader", Loader)
    with pytest.raises(EngineError, match=r"worker process .* died .* data\.workers=1"):
        list(ordered(small, range(5), 2))


@pytest.mark.parametrize("kind", [FileNotFoundError, RuntimeError])
def test_what_a_worker_raises_is_not_taken_for_its_death(kind):
    with pytest.raises(kind, match="Caught") as held:
        list(ordered(partial(fails, kind), range(3), 1))
    assert multiprocessing.active_children() == []
    assert held.traceback


def test_workers_end_with_the_iterator():
    batches = ordered(small, range(50), 2)
    next(batches)
    assert len(multiprocessing.active_children()) == 2
    batches.close()
    assert multiprocessing.active_children() == []


def test_workers_end_with_an_interrupt():
    def interrupted() -> None:
        for batch in ordered(small, range(50), 2):
            if batch.images.max() == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert multiprocessing.active_children() == []


def test_a_stuck_worker_ends_with_the_iterator(monkeypatch):
    monkeypatch.setattr(torch.utils.data._utils, "MP_STATUS_CHECK_INTERVAL", 0.1)
    batches = ordered(gets_stuck, range(50), 2)
    next(batches)
    batches.close()
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    "training",
    [
        "list(ordered(partial(fails, FileNotFoundError), range(3), 1))",
        "batches = ordered(small, range(50), 2); next(batches); [][0]",
    ],
    ids=["a worker's error", "an error of the main process"],
)
def test_workers_end_with_the_program_that_an_error_ends(training):
    program = "\n".join(
        (
            "from functools import partial",
            "from residency.data.torch.loader import ordered",
            f"from {__name__} import fails, small",
            "def train():",
            f"    {training}",
            "train()",
        )
    )
    ended = subprocess.run(
        (sys.executable, "-c", program),
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 1
    assert ended.stderr.rstrip().endswith(("no such thing", "index out of range"))
