import pytest

from residency.doctor.checks.data import validation_too_small
from residency.records import Proportion

run = validation_too_small.CHECK.run


def test_the_interval_is_given(probe_of, pictures):
    (found,) = run(probe_of(pictures(40), pictures(50, seed=1)))
    assert found.severity == "advice"
    low, high = Proportion(45, 50).interval
    assert (found.evidence["low"], found.evidence["high"]) == (low, high)
    assert found.evidence["points_per_sample"] == pytest.approx(2)


def test_enough_samples_are_silent(probe_of, pictures):
    assert run(probe_of(pictures(40), pictures(160, seed=1))) == []
    assert run(probe_of(pictures(40))) is None
