"""What a person reads while a model trains."""

import io

from rich.console import Console

from residency.engine.progress import ShowProgress, duration, epoch_line
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


def test_durations():
    assert duration(59.6) == "1 min 00 s"
    assert duration(3599.7) == "1 h 00 min"
