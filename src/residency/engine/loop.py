"""The training loop."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from residency.data import Batches
from residency.engine.hooks import Hook
from residency.engine.state import INTERRUPTED, TrainState
from residency.engine.step import Step

WAIT_EVERY = 10
"""Steps between two looks at the loss: a GPU works on while Python goes ahead."""


def fit(
    step: Step,
    batches: Batches,
    rate: Callable[[TrainState], float],
    state: TrainState,
    hooks: Sequence[Hook],
) -> None:
    """Trains from where `state` stands to its last step, or until a hook says stop.

    Args:
        step: Trains on one batch.
        batches: Gives the batches of an epoch from any of its steps on.
        rate: The learning rate of the coming step.
        state: Moved forward in place.
        hooks: Called in order around each epoch and step.
    """
    with ExitStack() as stack:
        for hook in reversed(hooks):  # the stack closes the last one first
            stack.callback(hook.close)
        for hook in hooks:
            hook.on_start(state)
        while not (state.finished or state.stop):
            for hook in hooks:
                hook.before_epoch(state)
            before = time.perf_counter()
            for batch in batches.epoch(state.epoch, start=state.step_in_epoch):
                state.batch_images = len(batch)
                for hook in hooks:
                    hook.before_step(state)
                state.learning_rate = rate(state)
                if state.batch_images:
                    loss = step(batch.images, batch.labels, state.learning_rate)
                    state.loss_sum = state.loss_sum + loss * state.batch_images
                state.images += state.batch_images
                state.broken |= {each.name: each for each in batch.broken}
                state.step += 1
                state.step_in_epoch += 1
                if state.step % WAIT_EVERY == 0 or state.epoch_complete:
                    float(
                        state.loss_sum
                    )  # else the hooks would wait, and nobody count it
                now = time.perf_counter()
                state.training_seconds += now - before
                for hook in hooks:
                    hook.after_step(state)
                before = time.perf_counter()
                if state.finished or state.stop:
                    break
            if state.epoch_complete:
                sums = state.close_epoch()
                for hook in hooks:
                    hook.after_epoch(state, sums)
        # What is stopped to go on later is saved before callbacks end the training.
        for hook in reversed(hooks) if state.stop == INTERRUPTED else hooks:
            hook.on_end(state)
