"""What a recipe would do to a model, in Keras' terms, for the probe."""

from dataclasses import dataclass
from typing import Any

import keras

from residency.recipes import Recipe
from residency.training import SGD, AdamW


@dataclass(frozen=True, slots=True)
class Plan:
    """Optimizer, loss and length of a training that no `compile` states."""

    optimizer: Any
    loss: Any
    epochs: int
    epoch_rates: tuple[float, ...]


def plan_of(recipe: Recipe, steps_per_epoch: int, outputs: int | None) -> Plan:
    """Returns the plan of a recipe; the optimizer is a stand-in by Keras.

    Weight decay is left out: it hardly acts in the steps that a probe takes.

    Args:
        recipe: Whose optimizer, schedule and length it is.
        steps_per_epoch: Batches of an epoch.
        outputs: Units at the end of the model; a single one is a sigmoid's.
    """
    peak = recipe.optimizer.rate_for(recipe.data.batch_size)
    length = recipe.schedule.length(steps_per_epoch)
    epochs = max(1, -(-length // steps_per_epoch))
    rates = tuple(
        peak * recipe.schedule.multiplier(epoch * steps_per_epoch, steps_per_epoch)
        for epoch in range(epochs)
    )
    return Plan(_optimizer(recipe, peak), crossentropy(outputs), epochs, rates)


def crossentropy(outputs: int | None) -> Any:
    """Returns what compares so many probabilities with class numbers."""
    if outputs == 1:
        return keras.losses.BinaryCrossentropy()
    return keras.losses.SparseCategoricalCrossentropy()


def units_of(model: keras.Model) -> int | None:
    """Returns the units of a model's output; `None`: several outputs, or not known."""
    shape = getattr(model, "output_shape", None)
    return shape[-1] if isinstance(shape, tuple) and len(shape) > 1 else None


def _optimizer(recipe: Recipe, peak: float) -> Any:
    settings = recipe.optimizer
    if isinstance(settings, AdamW):
        return keras.optimizers.AdamW(
            peak,
            beta_1=settings.beta_1,
            beta_2=settings.beta_2,
            epsilon=settings.epsilon,
            weight_decay=0.0,
            clipnorm=recipe.clip_norm,
        )
    nesterov = settings.nesterov if isinstance(settings, SGD) else True
    return keras.optimizers.SGD(
        peak,
        momentum=settings.momentum,
        nesterov=nesterov,
        global_clipnorm=recipe.clip_norm,
    )
