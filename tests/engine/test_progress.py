"""What a person reads while a model trains."""

import io

from rich.console import Console

from residency.engine import progress
from residency.engine.progress import ShowProgress, decoding_progress, epoch_line
from residency.engine.state import EpochSums, TrainState
from residency.records import EpochRecord, Proportion


def record(validation=True):
    return EpochRecord(
        epoch=1,
        step=5,
        learning_rate=0.1,
        loss=0.5,
        train_accuracy=Proportion(90, 100),
        train_loss=0.4,
        validation_accuracy=Proportion(106, 113) if validation else None,
        validation_loss=0.45 if validation else None,
        seconds=1.0,
        images_per_second=1234.5,
    )


def test_validation_always_has_its_interval_and_the_words():
    line = epoch_line(record(), "1/2")
    assert "validation 93.81 % (87.8 to 97.0, used for choosing)" in line
    assert "validation" not in epoch_line(record(validation=False), "1/2")


def test_calm_lines_off_a_terminal():
    text = io.StringIO()
    hook = ShowProgress(["data    [red]5[/red]"], Console(file=text, width=80))
    state = TrainState(total_steps=10, steps_per_epoch=5, peak_rate=0.1)
    hook.on_start(state)
    for _ in range(5):
        state.step += 1
        state.images += 4
        hook.after_step(state)
    state.epoch, state.history = 1, [record()]
    hook.after_epoch(state, EpochSums(0.5, 20, 1.0))
    hook.on_end(state)
    lines = text.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0] == "data    [red]5[/red]"
    assert lines[1].startswith("epoch 1/2 | loss 0.5000")
    assert lines[1].endswith(" left")
    assert "\x1b" not in text.getvalue()


def test_reading_is_told_off_a_terminal_where_it_takes_seconds(monkeypatch):
    text, clock = io.StringIO(), iter([0, 1, 3, 4, 5, 6, 7, 8, 9, 13, 20])
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    with decoding_progress(Console(file=text, width=80)) as show:
        for done in (1, 2, 3):  # a quick stage
            show(done, 3)
        for done in (1_048_576, 2_097_152, 3_000_000):  # blocks of a download
            show(done, 3_000_000)
        for done in (1, 2, 3, 4, 5):
            show(done, 5)
    assert text.getvalue().splitlines() == [
        "reading the data: 80 %, about 2 s left",
        "reading the data: done in 13 s",
    ]


def test_the_bar_moves_with_the_blocks_of_a_download_and_goes():
    text = io.StringIO()
    console = Console(file=text, width=80, force_terminal=True)
    with decoding_progress(console) as show:
        show(1_048_576, 2_097_152)
        show(2_097_152, 2_097_152)
    assert "reading the data" in text.getvalue()
    assert "100%" in text.getvalue()
    assert text.getvalue().endswith("\x1b[2K")  # the line is erased
