"""What the loop counts as training."""

from types import SimpleNamespace

import pytest

from residency.engine.hooks import Hook
from residency.engine.loop import fit
from residency.engine.state import TrainState


class Batches:
    """Epochs of 12 steps with two images each."""

    def epoch(self, epoch, start=0):
        for _ in range(start, 12):
            yield Batch()


class Batch(SimpleNamespace):
    images = labels = None
    broken = ()

    def __len__(self):
        return 2


class Loss:
    """Of a GPU: known once all that was asked of it before is done."""

    def __init__(self, queue):
        self.queue = queue

    def __mul__(self, number):
        return self

    __radd__ = __add__ = __mul__

    def __float__(self):
        self.queue.clear()
        return 1.0


def test_what_a_gpu_still_works_on_belongs_to_the_steps_and_not_to_the_hooks():
    queue = []
    left = {}

    def step(images, labels, rate):
        queue.append(rate)
        return Loss(queue)

    class Look(Hook):
        def after_step(self, state):
            left[state.step] = len(queue)

    state = TrainState(total_steps=24, steps_per_epoch=12, peak_rate=0.1)
    fit(step, Batches(), lambda state: 0.1, state, [Look()])
    assert [n for n, waiting in left.items() if waiting == 0] == [10, 12, 20, 24]
    assert left[9] == 9  # between them nothing waits


def test_hooks_are_closed_also_after_an_error():
    closed = []

    class Closes(Hook):
        def close(self):
            closed.append(self)

    def step(images, labels, rate):
        raise RuntimeError("no memory")

    hooks = [Closes(), Closes()]
    state = TrainState(total_steps=24, steps_per_epoch=12, peak_rate=0.1)
    with pytest.raises(RuntimeError, match="no memory"):
        fit(step, Batches(), lambda state: 0.1, state, hooks)
    assert closed == hooks
