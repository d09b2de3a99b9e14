"""Healthy curves as trainings draw them, with noise from a seed."""

import math
import random

from residency.doctor.history import Curves


def _share(value: float, count: int, rng: random.Random) -> float:
    """Returns an accuracy as `count` images would measure it."""
    spread = math.sqrt(max(value * (1 - value), 1e-6) / count)
    return min(1.0, max(0.0, round(rng.gauss(value, spread) * count) / count))


def healthy(
    seed: int,
    *,
    epochs: int,
    classes: int,
    schedule: str,
    validation_count: int,
    final_accuracy: float,
    gap: float,
    slow_statistics: bool,
    with_rates: bool,
) -> Curves:
    """Returns the curves of a run that does all right.

    Loss falls from `ln(classes)` in the shape that belongs to the schedule; validation
    is noisier while the rate is high, and at chance for an epoch or two if batch
    normalization's statistics are slow.
    """
    rng = random.Random(seed)
    loss, accuracy, val_loss, val_accuracy, rates = [], [], [], [], []
    chance = 1 / classes
    floor = 0.02 + 1.2 * (1 - min(0.995, final_accuracy + gap))
    for epoch in range(epochs):
        time, rate = epoch / epochs, 0.1
        if schedule == "steps":
            stage = (time >= 0.5) + (time >= 0.75)
            rate = 0.1 * 0.1**stage
            rest = (0.35, 0.06, 0.0)[stage]
            progress = (1 - rest) * (1 - math.exp(-6 * (time + 0.5 / epochs)))
            progress = max(progress, 0.9 * (1 - rest) * (stage > 0))
        elif schedule == "cosine":
            rate = 0.05 * (1 + math.cos(math.pi * (epoch + 1) / epochs))
            progress = 0.75 * (1 - math.exp(-5 * time - 1.5 / epochs)) + 0.25 * time**2
        else:  # constant
            progress = 1 - math.exp(-7 * (time + 0.3 / epochs))
        high = rate / 0.1
        wobble = rng.gauss(0, 0.01 + 0.01 * high)
        level = math.log(classes) * (1 - progress) * (1 + wobble) + floor * progress
        loss.append(max(0.001, level))
        right = chance + (min(0.998, final_accuracy + gap) - chance) * progress
        accuracy.append(_share(right, 5000, rng))
        held = chance + (final_accuracy - chance) * progress * (
            1 - 0.12 * high * rng.random()
        )
        if slow_statistics and epoch < min(2, epochs - 3):
            held = chance
        val_accuracy.append(_share(held, validation_count, rng))
        worst = math.log(classes) * (1 - progress) + 1.6 * (1 - final_accuracy) + floor
        jump = 1 + 0.25 * high * rng.random()
        val_loss.append(worst * jump * (3.0 if held == chance else 1.0))
        rates.append(rate)
    return Curves(
        source="made",
        loss=tuple(loss),
        accuracy=tuple(accuracy),
        val_loss=tuple(val_loss),
        val_accuracy=tuple(val_accuracy),
        learning_rate=tuple(rates) if with_rates else (),
        validation_count=validation_count if with_rates else None,
        num_classes=classes if with_rates else None,
        steps_per_epoch=100,
    )
