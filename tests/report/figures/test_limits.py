"""Spikes are left out of the axis, the start of a run is not."""

import math

import pytest

from residency.report.figures.limits import robust_top


def test_a_long_fall_is_shown_whole():
    values = [2.3 * 0.9**i for i in range(100)]
    assert robust_top(values, start=2.3) == pytest.approx(2.3 * 1.08)
    assert robust_top([2.3, 1.0, 0.5], start=2.3) == pytest.approx(2.3 * 1.08)


def test_spikes_do_not_count():
    assert robust_top([1.0] * 50 + [1e9, 1e3]) == pytest.approx(1.08)


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, math.nan], [0.0]])
def test_always_a_positive_number(values):
    assert robust_top(values) > 0


def test_one_value():
    assert robust_top([0.5]) == pytest.approx(0.54)
