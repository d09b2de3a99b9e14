"""What the model was compiled with, and what training is planned."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from residency.doctor.plan import Plan
from residency.doctor.probe.graph import kind_of

CROSSENTROPIES = (
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "binary_crossentropy",
)
_SHORT = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
}
_CURVE_POINTS = 20_000


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss, by its one name."""

    name: str
    """Keras' name in full, as `"categorical_crossentropy"`; `"custom"` for others."""
    from_logits: bool = False
    label_smoothing: float = 0.0

    @property
    def is_crossentropy(self) -> bool:
        """Whether it compares probabilities with classes."""
        return self.name in CROSSENTROPIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Compile settings and the plan."""

    loss: Loss | None
    """`None`: not compiled, or a loss for each of several outputs."""
    metrics: tuple[str, ...]
    metric_kinds: tuple[str, ...]
    """What each metric is: a string as given; of an object the name of its Keras class;
    of a function of the user's own `"custom"`."""
    optimizer: Any
    """The Keras optimizer; read it, never change it. `None`: not compiled."""
    rate: float | None
    """What the optimizer itself would use in the first step."""
    schedule: Mapping[str, Any] | None
    """Configuration of the optimizer's schedule; `None`: a fixed rate."""
    epoch_rates: tuple[float, ...]
    """Rate at the start of each planned epoch, callbacks included."""
    epochs: int | None
    steps_per_epoch: int | None
    callbacks: tuple[Any, ...]

    @property
    def total_steps(self) -> int | None:
        """Steps of the whole plan."""
        if self.epochs is None or self.steps_per_epoch is None:
            return None
        return self.epochs * self.steps_per_epoch

    @property
    def first_rate(self) -> float | None:
        """Rate of the first step, callbacks included."""
        return self.epoch_rates[0] if self.epoch_rates else self.rate

    def rate_at(self, step: int) -> float:
        """Returns the planned rate of a step, counted from 0, callbacks included."""
        schedule = getattr(self.optimizer, "_learning_rate", None)
        if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
            return float(schedule(step))
        rates, per_epoch = self.epoch_rates, self.steps_per_epoch
        if rates and per_epoch:
            return rates[min(step // per_epoch, len(rates) - 1)]
        return self.first_rate or 0.0


def read_settings(
    model: keras.Model,
    *,
    epochs: int | None,
    steps_per_epoch: int | None,
    callbacks: Sequence[Any],
    plan: Plan | None = None,
) -> Settings:
    """Reads the settings of a model; changes none.

    Args:
        model: Compiled or not.
        epochs: Planned; `None`: not known.
        steps_per_epoch: Batches of an epoch; `None`: not known.
        callbacks: As `fit` takes them. Of a `LearningRateScheduler` its function is
            called with the number of each planned epoch.
        plan: Stands in for what is not compiled.
    """
    if plan is not None:
        return Settings(
            loss=_read_loss(plan.loss),
            metrics=("accuracy",),
            metric_kinds=("accuracy",),
            optimizer=plan.optimizer,
            rate=plan.epoch_rates[0],
            schedule={"class": "recipe"},
            epoch_rates=plan.epoch_rates,
            epochs=epochs or plan.epochs,
            steps_per_epoch=steps_per_epoch,
            callbacks=tuple(callbacks),
        )
    optimizer = getattr(model, "optimizer", None)
    schedule = getattr(optimizer, "_learning_rate", None)
    if not isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        schedule = None
    return Settings(
        loss=_read_loss(getattr(model, "loss", None)),
        metrics=_metric_names(model),
        metric_kinds=_metric_kinds(model),
        optimizer=optimizer,
        rate=_rate(optimizer, schedule, 0),
        schedule=None if schedule is None else _config(schedule),
        epoch_rates=_epoch_rates(
            optimizer, schedule, epochs, steps_per_epoch, callbacks
        ),
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        callbacks=tuple(callbacks),
    )


def _config(schedule: Any) -> Mapping[str, Any]:
    return {"class": type(schedule).__name__, **schedule.get_config()}


def _read_loss(loss: Any) -> Loss | None:
    if isinstance(loss, list | tuple) and len(loss) == 1:
        loss = loss[0]
    if isinstance(loss, dict) and len(loss) == 1:
        loss = next(iter(loss.values()))
    if loss is None or isinstance(loss, list | tuple | dict):
        return None
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return Loss("custom")
    if isinstance(loss, keras.losses.Loss):
        settings = getattr(loss, "_fn_kwargs", {})
        name = _snake(type(loss).__name__)
        known = type(loss).__module__.startswith("keras.")
        return Loss(
            name if known else "custom",
            bool(settings.get("from_logits", getattr(loss, "from_logits", False))),
            float(settings.get("label_smoothing", 0.0)),
        )
    name = getattr(loss, "__name__", "custom")
    known = getattr(loss, "__module__", "").startswith("keras.")
    return Loss(_SHORT.get(name, name) if known else "custom")


def _metrics(model: keras.Model) -> list[Any]:
    compiled = getattr(model, "_compile_metrics", None)
    given = [
        getattr(compiled, name, None) or []
        for name in ("_user_metrics", "_user_weighted_metrics")
    ]
    return keras.tree.flatten(given)


def _metric_kinds(model: keras.Model) -> tuple[str, ...]:
    kinds = []
    for metric in _metrics(model):
        if isinstance(metric, str):
            kinds.append(metric)
        elif isinstance(metric, keras.metrics.Metric):
            kinds.append(kind_of(metric))
        else:
            ours = getattr(metric, "__module__", "").startswith("keras.")
            kinds.append(metric.__name__ if ours else "custom")
    return tuple(kinds)


def _metric_names(model: keras.Model) -> tuple[str, ...]:
    names = []
    if type(model).train_step is not keras.Model.train_step:
        names.append("custom")  # it may report anything
    for metric in _metrics(model):
        name = metric if isinstance(metric, str) else getattr(metric, "name", None)
        names.append(str(name or getattr(metric, "__name__", "custom")))
    return tuple(names)


def _rate(optimizer: Any, schedule: Any, step: int) -> float | None:
    if optimizer is None:
        return None
    if schedule is not None:
        return float(schedule(step))
    return float(optimizer.learning_rate)


def _epoch_rates(
    optimizer: Any,
    schedule: Any,
    epochs: int | None,
    steps_per_epoch: int | None,
    callbacks: Sequence[Any],
) -> tuple[float, ...]:
    if optimizer is None or not epochs:
        return ()
    setters = [c for c in callbacks if _sets_rate(c)]
    rates: list[float] = []
    rate = _rate(optimizer, schedule, 0) or 0.0
    for epoch in range(min(epochs, _CURVE_POINTS)):
        if schedule is not None:
            rate = _rate(optimizer, schedule, epoch * (steps_per_epoch or 0)) or 0.0
        for setter in setters:
            rate = _call(setter.schedule, epoch, rate)
        rates.append(rate)
    return tuple(rates)


def _sets_rate(callback: Any) -> bool:
    return isinstance(callback, keras.callbacks.LearningRateScheduler)


def _call(schedule: Any, epoch: int, rate: float) -> float:
    try:
        if len(inspect.signature(schedule).parameters) >= 2:
            return float(schedule(epoch, rate))
        return float(schedule(epoch))
    except Exception:  # the user's own function: what it needs may not be there yet
        return rate


def _snake(name: str) -> str:
    start = name[0].lower()
    rest = "".join(f"_{c.lower()}" if c.isupper() else c for c in name[1:])
    fixed = {"k_l_divergence": "kl_divergence"}
    return fixed.get(start + rest, start + rest)
