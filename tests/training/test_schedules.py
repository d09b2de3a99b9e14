"""Schedules against the papers' numbers and their own promises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residency.errors import ConfigError
from residency.recipes import get_recipe
from residency.training import Cosine, OneCycle, Schedule, StepDecay

STEPS = 391  # 50,000 images in batches of 128


def test_he2015_rates():
    recipe = get_recipe("he2015/resnet20-cifar10")
    peak = recipe.optimizer.rate_for(recipe.data.batch_size)
    rates = [
        peak * recipe.schedule.multiplier(step, STEPS)
        for step in (0, 31_999, 32_000, 47_999, 48_000, 63_999)
    ]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
    assert recipe.schedule.length(STEPS) == 64_000


def test_resnet110_warms_up_for_400_steps_at_a_tenth():
    schedule = get_recipe("he2015/resnet110-cifar10").schedule
    factors = [schedule.multiplier(step, STEPS) for step in (0, 399, 400, 31_999)]
    assert factors == pytest.approx([0.1, 0.1, 1.0, 1.0])


def test_epochs_and_steps_say_the_same():
    by_epochs = StepDecay(boundaries=(80, 120), total_epochs=165)
    by_steps = StepDecay(boundaries=(80 * 10, 120 * 10), total_steps=1650)
    assert by_epochs.length(10) == by_steps.length(10) == 1650
    for step in range(1650):
        assert by_epochs.multiplier(step, 10) == by_steps.multiplier(step, 10)


ANY = st.sampled_from(
    [
        Schedule(total_epochs=7),
        Cosine(total_epochs=7, warmup=1, final=0.1),
        OneCycle(total_epochs=7, peak_at=0.4, final=0.05),
        StepDecay(total_epochs=7, warmup=2, warmup_from=0.5, boundaries=(3, 5)),
    ]
)


@given(schedule=ANY, step=st.integers(0, 70))
def test_multiplier_stays_between_0_and_1(schedule, step):
    assert 0 <= schedule.multiplier(step, 10) <= 1


@given(
    schedule=st.sampled_from(
        [Cosine(total_steps=1000, warmup=100), OneCycle(total_steps=1000)]
    ),
    step=st.integers(0, 999),
)
def test_smooth_schedules_make_no_jump(schedule, step):
    now, then = schedule.multiplier(step, 1), schedule.multiplier(step + 1, 1)
    assert abs(now - then) <= 0.011


def test_ends():
    assert Cosine(total_steps=10, final=0.2).multiplier(10, 1) == pytest.approx(0.2)
    assert OneCycle(total_steps=10).multiplier(10, 1) == 0
    assert OneCycle(total_steps=10).multiplier(0, 1) > 0  # no step is for nothing
    assert Cosine(total_steps=10, warmup=10).multiplier(10, 1) == 0


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: StepDecay(), "total_epochs"),
        (lambda: StepDecay(total_steps=1, total_epochs=1), "none in the other"),
        (
            lambda: StepDecay(total_steps=64, boundaries=(32, 80)),
            "below total_steps=64",
        ),
        (lambda: StepDecay(total_steps=64, boundaries=(40, 32)), "increasing"),
        (lambda: Cosine(total_epochs=3, warmup=4), "at most the total, 3"),
        (lambda: OneCycle(total_epochs=3, peak_at=1.0), "peak_at"),
        (lambda: Cosine(total_epochs=-1), "greater than 0"),
    ],
)
def test_what_cannot_be_is_refused(make, word):
    with pytest.raises(ConfigError, match=word):
        make()
