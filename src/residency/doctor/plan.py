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


def plan_of(recipe: Recipe, steps_per_epoch: int) -> Plan:
    """Returns the plan of a recipe; the optimizer is a stand-in by Keras.

    Weight decay is left out: it hardly acts in the steps that a probe takes.
    """
    peak = recipe.optimizer.rate_for(recipe.data.batch_size)
    length = recipe.schedule.length(steps_per_epoch)
    epochs = max(1, -(-length // steps_per_epoch))
    rates = tuple(
        peak * recipe.schedule.multiplier(epoch * steps_per_epoch, steps_per_epoch)
        for epoch in range(epochs)
    )
    loss = keras.losses.SparseCategoricalCrossentropy()
    return Plan(_optimizer(recipe, peak), loss, epochs, rates)


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
