"""Keras callbacks are honoured, and the rate has one owner."""

import logging
import signal

import keras
import numpy as np
import pytest

from residency.models import load_model
from residency.run import resume, train

from .conftest import bright_images, small_model


def run(tmp_path, callbacks, model=None, **changes):
    return train(
        model or small_model(),
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


class StopsOnce(keras.callbacks.Callback):
    """Asks for a stop as Ctrl-C does, after so many steps."""

    def __init__(self, steps):
        super().__init__()
        self.left = steps

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


def falling():
    return keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9)


def plateau():
    return keras.callbacks.ReduceLROnPlateau(
        "val_loss", factor=0.5, patience=1, min_delta=10.0
    )


def early():
    return keras.callbacks.EarlyStopping(
        "val_loss", patience=2, min_delta=10.0, restore_best_weights=True
    )


@pytest.mark.parametrize("make", [falling, plateau, early])
@pytest.mark.parametrize("steps", [3, 9])
def test_keras_own_callbacks_resume_as_if_never_stopped(tmp_path, make, steps):
    settings = {"data__batch_size": 8, "schedule__total_epochs": 5}
    straight = run(tmp_path / "a", [make(), StopsOnce(10_000)], **settings)
    cut = run(tmp_path / "b", [make(), StopsOnce(steps)], **settings)
    assert cut.stopped == "interrupted"
    resumed = resume(
        cut.folder, data=_data(), callbacks=[make(), StopsOnce(10_000)], progress=False
    )
    rates = [[r.learning_rate for r in each.history] for each in (straight, resumed)]
    assert rates[0] == rates[1]
    for name in ("last.keras", "best.keras"):
        weights = [
            [v.numpy() for v in load_model(each.folder / name)[0].variables]
            for each in (straight, resumed)
        ]
        for a, b in zip(*weights, strict=True):
            assert np.array_equal(a, b)


def test_other_callbacks_at_a_resume_are_told(tmp_path, caplog):
    cut = run(tmp_path, [falling(), StopsOnce(3)], data__batch_size=8)
    resume(cut.folder, data=_data(), progress=False)
    assert "goes on with none" in caplog.text


def test_a_compiled_model_with_a_schedule_keeps_its_optimizer(tmp_path):
    model = small_model()
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    model.compile(keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy")
    adam = model.optimizer
    train(
        model,
        bright_images(),
        "quick/digits",
        tmp_path,
        callbacks=[falling()],
        progress=False,
        data__image_size=8,
        schedule__total_epochs=1,
    )
    assert model.optimizer is adam


def test_a_model_that_was_not_compiled_measures_accuracy_in_a_callback(tmp_path):
    images, labels = bright_images()
    found = []

    class Evaluates(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            metrics = self.model.evaluate(images, labels, verbose=0, return_dict=True)
            found.append(metrics)

    run(tmp_path, [Evaluates()], schedule__total_epochs=1)
    assert [metrics.keys() for metrics in found] == [{"accuracy", "loss"}]


def test_a_callback_that_fails_leaves_the_model_its_optimizer(tmp_path):
    class Fails(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError("no disk")

    model = small_model()
    model.compile("adam", "sparse_categorical_crossentropy")
    adam = model.optimizer
    with pytest.raises(RuntimeError, match="no disk"):
        run(tmp_path, [Fails()], model=model)
    assert model.optimizer is adam
