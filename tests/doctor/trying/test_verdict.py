"""Helped, no difference, worse."""

import numpy as np
import pytest

from residency.doctor.trying.verdict import HELPED, SAME, UNCLEAR, WORSE, judge
from residency.doctor.trying.yardstick import Reading


def curve(end, accuracy=None, start=1.0):
    return tuple(Reading(e, accuracy) for e in np.linspace(start, end, 7))


def curves(*ends, accuracy=None):
    return [curve(end, accuracy) for end in ends]


@pytest.mark.parametrize(
    ("untreated", "treated", "verdict"),
    [
        (curves(0.9, 0.92, 0.91), curves(0.2, 0.22, 0.25), HELPED),
        (curves(0.2, 0.22, 0.25), curves(0.9, 0.92, 0.91), WORSE),
        (curves(0.5, 0.5, 0.5), curves(0.49, 0.49, 0.49), SAME),  # too little
        (curves(0.2, 0.9, 0.5), curves(0.5, 0.2, 0.7), UNCLEAR),  # too noisy
        (curves(0.5), curves(0.1), UNCLEAR),  # a single pair shows nothing
        (
            curves(0.5, 0.5, 0.5, accuracy=0.5),
            curves(0.5, 0.5, 0.5, accuracy=0.8),
            HELPED,
        ),
        (
            curves(0.8, 0.8, 0.8, accuracy=0.8),
            curves(0.2, 0.2, 0.2, accuracy=0.5),
            SAME,  # one says so, the other the contrary
        ),
    ],
)
def test_a_verdict_needs_size_and_certainty(untreated, treated, verdict):
    assert judge(untreated, treated) == verdict


def test_noise_alone_seldom_helps():
    """Both arms from one distribution: at most one in ten is called a difference."""
    random = np.random.default_rng(0)
    found = [
        judge(curves(*random.normal(0.5, 0.1, 3)), curves(*random.normal(0.5, 0.1, 3)))
        for _ in range(300)
    ]
    assert found.count(HELPED) < 15
    assert found.count(WORSE) < 15


def test_a_cure_that_is_only_faster_counts_where_nothing_is_learned():
    fast = curves(0.1, 0.1, 0.12)
    assert judge(curves(0.4, 0.4, 0.41), fast, faster_only=True) == SAME
    assert judge(curves(0.95, 0.95, 0.96), fast, faster_only=True) == HELPED
