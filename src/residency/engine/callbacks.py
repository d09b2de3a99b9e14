"""Keras callbacks around our loop, and the learning rate's one owner."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
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
        self.optimizer: Any = None

    def on_start(self, state: TrainState) -> None:
        """Starts the callbacks, then gives back the state a checkpoint held."""
        names = [type(callback).__name__ for callback in self.callbacks]
        saved = [each["class"] for each in self.saved]
        if self.saved and names != saved:
            logger.warning(
                "the run was started with the callbacks %s and goes on with %s; pass "
                "the same ones to residency.resume to have their state back",
                ", ".join(saved),
                ", ".join(names) or "none",
            )
        if not self.callbacks:
            return
        self._stand_in()
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
        self._call(state, "on_train_begin")
        if names == saved:
            for callback, each in zip(self.callbacks, self.saved, strict=True):
                vars(callback).update(each["values"] | each["arrays"])

    def before_epoch(self, state: TrainState) -> None:
        """Calls `on_epoch_begin`, once an epoch however often it is resumed."""
        if state.step_in_epoch == 0:
            self._call(state, "on_epoch_begin", state.epoch)

    def before_step(self, state: TrainState) -> None:
        """Calls `on_train_batch_begin`."""
        self._call(state, "on_train_batch_begin", state.step_in_epoch)

    def after_step(self, state: TrainState) -> None:
        """Calls `on_train_batch_end` with the epoch's mean loss so far."""
        if self.callbacks:  # the mean waits for the device
            logs = {"loss": state.mean_loss}
            self._call(state, "on_train_batch_end", state.step_in_epoch - 1, logs)

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
        self._call(state, "on_epoch_end", state.epoch - 1, logs)

    def on_end(self, state: TrainState) -> None:
        """Calls `on_train_end`."""
        self._call(state, "on_train_end")

    def close(self) -> None:
        """Gives the model its own optimizer back."""
        if self.optimizer is not None:
            self.model.optimizer = self.optimizer

    def state(self) -> list[dict[str, Any]]:
        """Returns counters and arrays of each callback, for a checkpoint."""
        return [
            {
                "class": type(callback).__name__,
                "values": _plain_values(callback),
                "arrays": {
                    name: value
                    for name, value in vars(callback).items()
                    if isinstance(value, list)
                    and value
                    and all(isinstance(item, np.ndarray) for item in value)
                },
            }
            for callback in self.callbacks
        ]

    def _stand_in(self) -> None:
        """Gives the model an optimizer whose rate callbacks can read and set."""
        if not self.model.compiled:
            loss = "sparse_categorical_crossentropy"
            self.model.compile("sgd", loss, metrics=["accuracy"])
            return
        self.optimizer = self.model.optimizer
        self.model.optimizer = keras.optimizers.SGD()

    def _call(self, state: TrainState, method: str, *args: Any) -> None:
        """Calls back with the true rate in the optimizer, and sees if it changed."""
        if not self.callbacks:
            return
        self.model.optimizer.learning_rate = self.rate(state)
        planned = self._shown()
        getattr(self.list, method)(*args)
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
        if self.model.stop_training and not state.stop:
            state.stop = "a callback asked to stop"

    def _shown(self) -> float:
        rate: Any = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        return float(rate)


def _plain_values(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """Returns the attributes of a callback that JSON can hold."""
    plain = (bool, int, float, str, type(None))
    values = {k: v for k, v in vars(callback).items() if type(v) in plain}
    if "monitor" in values and "min_delta" in values:
        # Keras turns its sign at the first epoch's end, and would turn it again.
        values["min_delta"] = abs(values["min_delta"])
    return values
