"""Progress with time left: a bar on a terminal, calm lines elsewhere."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from residency.engine.hooks import Hook
from residency.engine.state import EpochSums, TrainState
from residency.records import EpochRecord, best_epoch, duration

SECONDS_BETWEEN_LINES = 30.0
SECONDS_UNTOLD = 5.0  # of reading data off a terminal


class ShowProgress(Hook):
    """Prints one line an epoch, and between them a bar or a line every 30 s.

    Args:
        plan: Lines printed before the first step.
        console: Where to print; whether it is a terminal decides the form.
    """

    def __init__(
        self, plan: Sequence[str] = (), console: Console | None = None
    ) -> None:
        self.plan, self.console = plan, console or Console()
        self.bar: Progress | None = None

    def on_start(self, state: TrainState) -> None:
        """Starts the clock; time left is judged from this session alone."""
        for line in self.plan:
            self._print(line)
        self.started, self.first_step = time.monotonic(), state.step
        self.last_line = self.started
        if self.console.is_terminal:
            self.bar = Progress(
                TextColumn("epoch {task.fields[epoch]}"),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("loss {task.fields[loss]}  {task.fields[speed]} images/s"),
                TimeElapsedColumn(),
                TextColumn("{task.fields[left]} left"),
                console=self.console,
                transient=True,
            )
            self.task = self.bar.add_task(
                "", total=state.total_steps, epoch="-", loss="-", speed="-", left="?"
            )
            self.bar.start()

    def after_step(self, state: TrainState) -> None:
        """Moves the bar, or prints a line when 30 s have passed."""
        now = time.monotonic()
        if self.bar is not None:
            if state.step % 10 == 0 or state.step == state.total_steps:
                self.bar.update(
                    self.task,
                    completed=state.step,
                    epoch=_epochs(state, state.epoch + 1),
                    loss=f"{state.mean_loss:.4f}",
                    speed=f"{state.images / max(state.training_seconds, 1e-9):,.0f}",
                    left=self.time_left(state),
                )
        elif now - self.last_line > SECONDS_BETWEEN_LINES:
            self.last_line = now
            self._print(
                f"epoch {_epochs(state, state.epoch + 1)} | "
                f"step {state.step:,} of {state.total_steps:,} | "
                f"loss {state.mean_loss:.4f} | "
                f"{self.time_left(state)} left"
            )

    def after_epoch(self, state: TrainState, sums: EpochSums) -> None:
        """Prints the epoch's line."""
        self.last_line = time.monotonic()
        line = epoch_line(state.history[-1], _epochs(state, state.epoch))
        best = best_epoch(state.history) is state.history[-1]
        left = "" if state.finished else f" | {self.time_left(state)} left"
        self._print(f"{line}{' | best so far' if best else ''}{left}")

    def close(self) -> None:
        """Removes the bar, after an error too."""
        if self.bar is not None:
            self.bar.stop()

    def _print(self, line: str) -> None:
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def time_left(self, state: TrainState) -> str:
        """Returns the time left in words, evaluation included."""
        done = state.step - self.first_step
        if done == 0:
            return "?"
        seconds = (time.monotonic() - self.started) / done
        return duration(seconds * (state.total_steps - state.step))


@contextmanager
def decoding_progress(console: Console) -> Iterator[Callable[[int, int], None]]:
    """Gives a `(done, total)` callback that shows how far reading the data is.

    Several stages may follow each other: the files of a download, headers, images. Off
    a terminal, one that takes some seconds is told when that is clear, and at its end.
    """
    if not console.is_terminal:
        yield _calm_lines(console)
        return
    bar = Progress(
        TextColumn("reading the data"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    task = bar.add_task("", total=None)
    with bar:
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


def _calm_lines(console: Console) -> Callable[[int, int], None]:
    """Returns a callback that prints two lines a stage, none for a quick one."""
    started: float | None = None
    told = False

    def show(done: int, total: int) -> None:
        nonlocal started, told
        now = time.monotonic()
        started = now if started is None else started
        seconds = now - started
        if not told and seconds > SECONDS_UNTOLD and done < total:
            told = True
            left = duration(seconds * (total - done) / done)
            console.print(
                f"reading the data: {100 * done // total} %, about {left} left"
            )
        if done == total:  # the next call begins another stage
            if told:
                console.print(f"reading the data: done in {duration(seconds)}")
            started, told = None, False

    return show


def epoch_line(record: EpochRecord, epoch: str) -> str:
    """Returns what an epoch measured, in one line."""
    text = (
        f"epoch {epoch} | loss {record.loss:.4f} | "
        f"train {100 * record.train_accuracy.rate:.2f} %"
    )
    if record.validation_accuracy is not None:
        low, high = record.validation_accuracy.interval
        text += (
            f" | validation {100 * record.validation_accuracy.rate:.2f} % "
            f"({100 * low:.1f} to {100 * high:.1f}, used for choosing)"
        )
    return f"{text} | {record.images_per_second:,.0f} images/s"


def _epochs(state: TrainState, number: int) -> str:
    return f"{number}/{-(-state.total_steps // state.steps_per_epoch)}"
