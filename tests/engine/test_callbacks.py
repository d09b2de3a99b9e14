"""Keras callbacks are honoured, and the rate has one owner."""

import logging

import keras
import pytest

from residency.run import resume, train

from .conftest import bright_images, small_model


def run(tmp_path, callbacks, **changes):
    return train(
        small_model(),
        bright_images(),
        "quick/digits",
        tmp_path,
        name="run",
        callbacks=callbacks,
        progress=False,
        **{"data__image_size": 8, "schedule__total_epochs": 4, **changes},
    )


def test_a_scheduler_takes_the_rate_over_and_says_so(tmp_path, caplog):
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5**epoch)
    with caplog.at_level(logging.WARNING):
        history = run(tmp_path, [scheduler]).history
    assert [r.learning_rate for r in history] == pytest.approx([1, 0.5, 0.25, 0.125])
    assert caplog.text.count("the callbacks own it") == 1


def test_a_callback_that_reads_the_rate_sees_the_schedules(tmp_path, caplog):
    class Reads(keras.callbacks.Callback):
        rates = ()

        def on_epoch_end(self, epoch, logs=None):
            Reads.rates += (float(self.model.optimizer.learning_rate),)
            assert logs.keys() == {
                "loss",
                "accuracy",
                "learning_rate",
                "val_loss",
                "val_accuracy",
            }

    result = run(tmp_path, [Reads()])
    assert len(Reads.rates) == 4
    assert len({r.learning_rate for r in result.history}) == 4
    assert "own it" not in caplog.text


def test_early_stopping_stops_and_a_resume_stays_stopped(tmp_path):
    class Stops(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    result = run(tmp_path, [Stops()])
    assert result.stopped == "a callback asked to stop"
    assert len(result.history) == 2
    assert result.evaluations
    again = resume(result.folder, data=_data(), progress=False)
    assert len(again.history) == 2


def _data():
    from residency.data import load

    return load(bright_images(), image_size=8)


def test_counters_come_back_after_a_stop(tmp_path):
    class Interrupts(keras.callbacks.Callback):
        seen = 0

        def on_epoch_end(self, epoch, logs=None):
            self.seen += 1
            if epoch == 1 and not Interrupts.done:
                Interrupts.done = True
                raise KeyboardInterrupt

    Interrupts.done = False
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, [Interrupts()], checkpoint_minutes=0.0)
    callback = Interrupts()
    result = resume(
        tmp_path / "run", data=_data(), callbacks=[callback], progress=False
    )
    assert result.stopped is None
    # epoch 1 was counted and saved; the cut-off epochs 2, 3 and 4 are counted now
    assert callback.seen == 4
