"""Keras callbacks around our loop, and the learning rate's one owner."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras.callbacks import CallbackList

from residency.engine.hooks import Hook
from residency.engine.state import EpochSums, TrainState

logger = logging.getLogger(__name__)


class KerasCallbacks(Hook):
    """Calls Keras callbacks as `fit` does, and obeys `stop_training`.

    A callback that assigns `model.optimizer.learning_rate` takes the rate over
    from the recipe's schedule, for the rest of the training; a warning says so.

    Args:
        callbacks: Keras callbacks.
        model: What they are given; compiled here if it is not.
        rate: The rate of the coming step.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        model: keras.Model,
        rate: Callable[[TrainState], float],
    ) -> None:
        self.callbacks = list(callbacks)
        self.model, self.rate = model, rate
        self.saved: list[dict[str, Any]] = []

    def on_start(self, state: TrainState) -> None:
        """Starts the callbacks, then gives back the state a checkpoint held."""
        if not self.model.compiled:
            self.model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])
        self.list = CallbackList(
            self.callbacks,
            add_history=False,
            add_progbar=False,
            model=self.model,
            epochs=-(-state.total_steps // state.steps_per_epoch),
            steps=state.steps_per_epoch,
            verbose=0,
        )
        self.model.stop_training = False
        self._call(state, self.list.on_train_begin)
        for callback, saved in zip(self.callbacks, self.saved, strict=False):
            if saved.get("class") == type(callback).__name__:
                vars(callback).update(saved["values"])

    def before_epoch(self, state: TrainState) -> None:
        """Calls `on_epoch_begin`."""
        self._call(state, self.list.on_epoch_begin, state.epoch)

    def before_step(self, state: TrainState) -> None:
        """Calls `on_train_batch_begin`."""
        self._call(state, self.list.on_train_batch_begin, state.step_in_epoch)

    def after_step(self, state: TrainState) -> None:
        """Calls `on_train_batch_end` with the epoch's mean loss so far."""
        logs = {"loss": float(state.loss_sum) / state.images}
        self._call(state, self.list.on_train_batch_end, state.step_in_epoch - 1, logs)

    def after_epoch(self, state: TrainState, sums: EpochSums) -> None:
        """Calls `on_epoch_end` with the names that `fit` uses."""
        record = state.history[-1]
        logs: dict[str, Any] = {
            "loss": record.loss,
            "accuracy": record.train_accuracy.rate,
            "learning_rate": record.learning_rate,
        }
        if record.validation_accuracy is not None:
            logs["val_accuracy"] = record.validation_accuracy.rate
            logs["val_loss"] = record.validation_loss
        self._call(state, self.list.on_epoch_end, state.epoch - 1, logs)

    def on_end(self, state: TrainState) -> None:
        """Calls `on_train_end`."""
        self._call(state, self.list.on_train_end)

    def state(self) -> list[dict[str, Any]]:
        """Returns the plain attributes of each callback, such as counters."""
        plain = (bool, int, float, str, type(None))
        return [
            {
                "class": type(callback).__name__,
                "values": {k: v for k, v in vars(callback).items() if type(v) in plain},
            }
            for callback in self.callbacks
        ]

    def _call(self, state: TrainState, function: Callable, *args: Any) -> None:
        """Calls back with the true rate in the optimizer, and sees if it changed."""
        if not self.callbacks:
            return
        self.model.optimizer.learning_rate = self.rate(state)
        planned = self._shown()
        function(*args)
        now = self._shown()
        if now != planned:
            if state.rate_override is None:
                logger.warning(
                    "a callback set the learning rate to %g (%s); from now on the "
                    "callbacks own it and the recipe's schedule rests",
                    now,
                    ", ".join(type(c).__name__ for c in self.callbacks),
                )
            state.rate_override = now
        if self.model.stop_training:
            state.stop = "a callback asked to stop"

    def _shown(self) -> float:
        rate: Any = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        return float(rate)
