"""Hooks: what happens around the steps, each a few lines, called in list order.

The order in `residency.run`: measuring, keeping the best, logs, progress, Keras
callbacks, and the checkpoint last, so that it holds what the others did.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from residency.data import Dataset, Part
from residency.engine.checkpoint import save_checkpoint
from residency.engine.evaluation import Measurement
from residency.engine.state import EpochSums, TrainState
from residency.engine.step import Step
from residency.files import write_json, write_text
from residency.records import (
    EpochRecord,
    Quarantined,
    best_epoch,
    epoch_to_json,
    record_to_json,
)

logger = logging.getLogger(__name__)

SAMPLE = 2_000  # training images measured where nothing is held out


class Hook:
    """Does nothing; a hook overrides the moments it cares about."""

    def on_start(self, state: TrainState) -> None:
        """Before the first step, after a resume too."""

    def before_epoch(self, state: TrainState) -> None:
        """Before the first step of an epoch, or the first one after a resume."""

    def before_step(self, state: TrainState) -> None:
        """Before each step; `state.step` counts the finished ones."""

    def after_step(self, state: TrainState) -> None:
        """After each step."""

    def after_epoch(self, state: TrainState, sums: EpochSums) -> None:
        """After an epoch; `state.epoch` counts it already."""

    def on_end(self, state: TrainState) -> None:
        """After the last step, when all are done or training was stopped."""

    def close(self) -> None:
        """At the very end, also where an error ended the training."""


class Measure(Hook):
    """Measures the training sample and the validation part after each epoch.

    Args:
        measure: Returns the figures of a part.
        dataset: Gives the parts.
    """

    def __init__(
        self, measure: Callable[[Part], Measurement], dataset: Dataset
    ) -> None:
        self.measure, self.dataset = measure, dataset
        held_out = dataset.validation
        self.sample = dataset.train.sample(len(held_out) if held_out else SAMPLE, 0)

    def after_epoch(self, state: TrainState, sums: EpochSums) -> None:
        """Adds the epoch's record to the history."""
        start = time.perf_counter()
        train = self.measure(self.sample)
        held_out: Measurement | None = None
        if self.dataset.validation is not None:
            held_out = self.measure(self.dataset.validation)
        seconds = sums.training_seconds + time.perf_counter() - start
        record = EpochRecord(
            epoch=state.epoch,
            step=state.step,
            learning_rate=state.learning_rate,
            loss=sums.loss,
            train_accuracy=train.accuracy,
            train_loss=train.loss,
            validation_accuracy=held_out and held_out.accuracy,
            validation_loss=held_out and held_out.loss,
            seconds=seconds,
            images_per_second=sums.images / max(sums.training_seconds, 1e-9),
        )
        state.history.append(record)


class KeepBest(Hook):
    """Calls `save` after each epoch that is the best so far."""

    def __init__(self, save: Callable[[], None]) -> None:
        self.save = save

    def after_epoch(self, state: TrainState, sums: EpochSums) -> None:
        """Saves the model of the best epoch."""
        if best_epoch(state.history) is state.history[-1]:
            self.save()


class MetricsFile(Hook):
    """Keeps `metrics.jsonl`: one line an epoch, none twice after a resume."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_start(self, state: TrainState) -> None:
        """Writes the file anew from the history that the checkpoint holds."""
        lines = [json.dumps(epoch_to_json(record)) + "\n" for record in state.history]
        write_text(self.path, "".join(lines))

    def after_epoch(self, state: TrainState, sums: EpochSums) -> None:
        """Adds the epoch's line; the file is whole at any moment."""
        self.on_start(state)


class QuarantineFile(Hook):
    """Keeps `quarantine.json`, and says when an epoch met broken images."""

    def __init__(self, path: Path, known: Sequence[Quarantined]) -> None:
        self.path, self.known = path, {each.name: each for each in known}

    def after_epoch(self, state: TrainState, sums: EpochSums) -> None:
        """Adds what the epoch's batches could not decode."""
        new = state.broken | self.known
        if len(new) > len(self.known):
            logger.warning(
                "%d broken images were left out in this epoch; they are listed in %s",
                len(new) - len(self.known),
                self.path,
            )
            self.known = new
            write_json(self.path, record_to_json(tuple(new.values())))


class TensorBoard(Hook):
    """Writes TensorBoard event files, without TensorFlow.

    They are a comfort: where they cannot be written, the training goes on without.
    """

    def __init__(self, folder: Path, every_steps: int = 10) -> None:
        self.folder, self.every_steps = folder, every_steps
        self.writer: Any = None

    def on_start(self, state: TrainState) -> None:
        """Opens a file; what an earlier one holds past `state.step` is hidden."""
        from torch.utils.tensorboard.writer import SummaryWriter

        with self._excused():
            folder = str(self.folder)
            self.writer = SummaryWriter(folder, purge_step=state.step + 1)

    def after_step(self, state: TrainState) -> None:
        """Writes the rate and the epoch's mean loss so far, every few steps."""
        if state.step % self.every_steps == 0:
            scalars = {
                "step/learning_rate": state.learning_rate,
                "step/mean_loss": state.mean_loss,
            }
            self._write(scalars, state.step)

    def after_epoch(self, state: TrainState, sums: EpochSums) -> None:
        """Writes the epoch's accuracies and losses."""
        record = state.history[-1]
        scalars = {
            "accuracy/train_sample": record.train_accuracy.rate,
            "loss/train_sample": record.train_loss,
            "loss/train": record.loss,
        }
        if record.validation_accuracy is not None:
            scalars["accuracy/validation"] = record.validation_accuracy.rate
            scalars["loss/validation"] = record.validation_loss or 0.0
        self._write(scalars, state.step, flush=True)

    def on_end(self, state: TrainState) -> None:
        """Closes the file."""
        if self.writer is not None:
            with self._excused():
                self.writer.close()

    def _write(
        self, scalars: Mapping[str, float], step: int, *, flush: bool = False
    ) -> None:
        if self.writer is None:
            return
        with self._excused():
            for name, value in scalars.items():
                self.writer.add_scalar(name, value, step)
            if flush:
                self.writer.flush()

    @contextmanager
    def _excused(self) -> Iterator[None]:
        try:
            yield
        except (OSError, UnicodeError) as error:
            self.writer = None
            logger.warning(
                "%s: no more is written for TensorBoard (%s)", self.folder, error
            )


class StopOnNonFinite(Hook):
    """Ends a training whose loss is no longer a finite number, and says where."""

    def __init__(self, step: Step) -> None:
        self.step = step
        on_cpu = step.network.device.type == "cpu"
        self.every_steps = 1 if on_cpu else 50  # a GPU would be waited for

    def after_step(self, state: TrainState) -> None:
        """Looks at the sum of the losses."""
        due = state.step % self.every_steps == 0
        if due and not np.isfinite(float(state.loss_sum)):
            self._stop(state)

    def after_epoch(self, state: TrainState, sums: EpochSums) -> None:
        """Looks at the whole epoch's loss, and at what was measured after it."""
        if not np.isfinite(sums.loss):
            self._stop(state)
        for record in state.history[-1:]:
            losses = (record.train_loss, record.validation_loss or 0.0)
            if not np.isfinite(losses).all():
                self._stop(state, "the model's outputs are")

    def _stop(self, state: TrainState, what: str = "the loss is") -> None:
        if not state.stop:
            where = self.step.where_not_finite()
            state.stop = f"{what} not finite at step {state.step:,}: {where}"


class Checkpoint(Hook):
    """Saves all that a resume needs: at the start, after each epoch, every few minutes.

    Args:
        folder: Where the files go; the newest two are kept.
        step: Its network, optimizer and loss scale are saved.
        callbacks: Gives the state of the Keras callbacks.
        minutes: Longest time between two saves; 0 saves after every step.
    """

    def __init__(
        self,
        folder: Path,
        step: Step,
        callbacks: Callable[[], list[dict]],
        *,
        minutes: float,
    ) -> None:
        self.folder, self.step, self.callbacks = folder, step, callbacks
        self.minutes = minutes
        self._saved_at = time.monotonic()

    def on_start(self, state: TrainState) -> None:
        """Saves the start itself, so that even the first minutes can be resumed."""
        if state.step == 0:
            self.save(state)

    def after_step(self, state: TrainState) -> None:
        """Saves when the time is up; a complete epoch is saved with its record."""
        if state.epoch_complete:
            return
        if time.monotonic() - self._saved_at >= 60 * self.minutes:
            self.save(state)

    def after_epoch(self, state: TrainState, sums: EpochSums) -> None:
        """Saves between two epochs."""
        self.save(state)

    def on_end(self, state: TrainState) -> None:
        """Saves where the training stands."""
        self.save(state)

    def save(self, state: TrainState) -> None:
        """Writes one checkpoint; none of a training that came to NaN."""
        if not (np.isfinite(state.mean_loss) and self.step.network.is_finite()):
            return
        save_checkpoint(self.folder, self.step, state, self.callbacks())
        self._saved_at = time.monotonic()
