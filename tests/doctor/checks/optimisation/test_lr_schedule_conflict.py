"""Rate, schedule, callbacks and length."""

from dataclasses import replace

import keras
import pytest

from residency.doctor.checks.optimisation.lr_schedule_conflict import check

SCHEDULES = keras.optimizers.schedules
STEPS = 200
"""Two batches an epoch, 100 epochs."""


def by_epoch(*pairs):
    def rate(epoch):
        return [value for start, value in pairs if epoch >= start][-1]

    return keras.callbacks.LearningRateScheduler(rate)


def severities(probe_of, optimizer, callbacks=()):
    found = check(probe_of(optimizer=optimizer, epochs=100, callbacks=callbacks))
    assert {f.label for f in found} <= {"lr_schedule_conflict"}
    return [f.severity for f in found]


@pytest.mark.parametrize(
    ("rate", "callbacks", "severity"),
    [
        (0.1, [by_epoch((0, 0.01), (50, 0.001))], "warning"),
        (
            0.1,
            [by_epoch((0, 0.1)), keras.callbacks.ReduceLROnPlateau(monitor="loss")],
            "warning",
        ),
        (SCHEDULES.CosineDecay(0.1, STEPS), [by_epoch((0, 0.1))], "error"),
        (
            SCHEDULES.CosineDecay(0.1, STEPS),
            [keras.callbacks.ReduceLROnPlateau(monitor="loss")],
            "error",
        ),
        (SCHEDULES.PiecewiseConstantDecay([32000], [0.1, 0.01]), [], "warning"),
        (SCHEDULES.PiecewiseConstantDecay([100, 300], [1.0, 0.1, 0.01]), [], "warning"),
        (SCHEDULES.PiecewiseConstantDecay([30, 60], [0.1, 0.01, 0.001]), [], "advice"),
        (SCHEDULES.PiecewiseConstantDecay([5, 60], [1e-4, 0.1, 1e-5]), [], "warning"),
        (SCHEDULES.PiecewiseConstantDecay([60], [0.1, 1e-6]), [], "warning"),
        (SCHEDULES.PiecewiseConstantDecay([60], [0.1, 0.01]), [], "advice"),
        (SCHEDULES.PiecewiseConstantDecay([20, 60], [0.01, 0.05, 0.1]), [], "advice"),
        (SCHEDULES.CosineDecay(0.1, 20), [], "warning"),
        (SCHEDULES.CosineDecay(0.1, 20_000), [], "warning"),
        (SCHEDULES.ExponentialDecay(0.1, 5, 0.5), [], "warning"),
        (SCHEDULES.InverseTimeDecay(0.1, 1, 1000.0), [], "warning"),
        (SCHEDULES.ExponentialDecay(0.1, 1000, 0.96), [], "advice"),
        (
            SCHEDULES.CosineDecay(0.0, 100, warmup_target=0.1, warmup_steps=500),
            [],
            "warning",
        ),
    ],
)
def test_finds(probe_of, rate, callbacks, severity):
    assert severities(probe_of, keras.optimizers.SGD(rate), callbacks) == [severity]


@pytest.mark.parametrize(
    ("rate", "callbacks"),
    [
        (0.1, [by_epoch((0, 0.1), (50, 0.01), (75, 0.001))]),
        (0.1, [by_epoch((0, 0.01), (5, 0.1), (50, 0.01))]),
        (0.1, [keras.callbacks.ReduceLROnPlateau(monitor="loss")]),
        (0.1, []),
        (SCHEDULES.CosineDecay(0.1, STEPS), []),
        (SCHEDULES.CosineDecay(0.0, 190, warmup_target=0.1, warmup_steps=10), []),
        (SCHEDULES.PiecewiseConstantDecay([100, 150], [0.1, 0.01, 0.001]), []),
        (SCHEDULES.ExponentialDecay(0.1, 1000, 0.5), []),
        (SCHEDULES.ExponentialDecay(0.1, STEPS, 1e-4), []),
        (SCHEDULES.InverseTimeDecay(0.1, 10, 1.0), []),
    ],
)
def test_near_misses(probe_of, rate, callbacks):
    assert severities(probe_of, keras.optimizers.SGD(rate), callbacks) == []


def test_a_slightly_other_rate_is_advice(probe_of):
    assert severities(probe_of, keras.optimizers.SGD(0.1), [by_epoch((0, 0.09))]) == [
        "advice"
    ]


def test_a_schedule_without_a_plan_cannot_be_judged(probe_of):
    rate = SCHEDULES.ExponentialDecay(0.1, 5, 0.5)
    assert check(probe_of(optimizer=keras.optimizers.SGD(rate), epochs=None)) is None


def test_boundaries_in_epochs_are_worse_the_more_steps_an_epoch_has(probe_of):
    """Epochs 30 and 60 of 100; of two steps each they may be meant, of eight not."""
    piecewise = SCHEDULES.PiecewiseConstantDecay([30, 60], [0.1, 0.01, 0.001])
    few = probe_of(optimizer=keras.optimizers.SGD(piecewise), epochs=100)
    many = replace(few, settings=replace(few.settings, steps_per_epoch=8))
    assert [f.severity for f in check(few)] == ["advice"]
    assert [f.severity for f in check(many)] == ["warning"]
