"""A loss that explodes, and the rate that would not."""

import math

import pytest

from residency.doctor.history import Curves
from residency.doctor.history.checks.diverged import check


@pytest.mark.parametrize(
    ("rates", "snippet"),
    [
        ((2.0, 45.5556), "learning_rate=5"),
        ((3e-3, 1e-3), "learning_rate=0.0003"),
        ((), "learning_rate=... / 10"),
    ],
)
def test_the_cure_is_a_rate_that_one_would_type(rates, snippet):
    curves = Curves(source="", loss=(2.3, math.nan), learning_rate=rates)
    (found,) = check(curves)
    assert found.snippet == snippet
