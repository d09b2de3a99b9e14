"""Hooks that must not end a training, and the one that must."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from residency.engine.hooks import StopOnNonFinite, TensorBoard
from residency.engine.state import EpochSums, TrainState
from residency.records import EpochRecord, Proportion

HALF = Proportion(1, 2)
RECORD = EpochRecord(
    epoch=1,
    step=3,
    learning_rate=0.1,
    loss=1.0,
    train_accuracy=HALF,
    train_loss=1.0,
    validation_accuracy=HALF,
    validation_loss=1.0,
    seconds=1.0,
    images_per_second=1.0,
)
SUMS = EpochSums(loss=1.0, images=3, training_seconds=1.0)


@pytest.fixture
def state() -> TrainState:
    return TrainState(
        total_steps=6, steps_per_epoch=3, peak_rate=0.1, step=3, history=[RECORD]
    )


def test_a_training_goes_on_without_tensorboard(tmp_path, state, caplog):
    (tmp_path / "tensorboard").write_text("a file where the folder should be")
    hook = TensorBoard(tmp_path / "tensorboard", every_steps=1)
    hook.on_start(state)
    hook.after_step(state)
    hook.after_epoch(state, SUMS)
    hook.on_end(state)
    assert caplog.text.count("no more is written for TensorBoard") == 1


@pytest.mark.parametrize("field", ["train_loss", "validation_loss"])
def test_a_model_that_the_last_step_broke_is_told(state, field):
    step = SimpleNamespace(
        network=SimpleNamespace(device=SimpleNamespace(type="cpu")),
        where_not_finite=lambda: "layer dense",
    )
    hook = StopOnNonFinite(step)
    hook.after_epoch(state, SUMS)
    assert state.stop is None
    state.history[-1] = replace(RECORD, **{field: float("nan")})
    hook.after_epoch(state, SUMS)
    assert state.stop == "the model's outputs are not finite at step 3: layer dense"
