"""Cures of the rate."""

import numpy as np
import pytest

from residency.doctor.cures import CURES


def rates(case, finding):
    cures = [make(finding, case) for make in CURES[finding.label]]
    return [cure.rate for cure in cures if cure is not None]


@pytest.fixture
def case(dense, case_of):
    return case_of(dense(), np.zeros((12, 4), "float32"), np.arange(12) % 3)


def test_the_rate_that_a_finding_names_is_the_only_one(case, suspect):
    assert rates(case, suspect("lr_too_high", lower_rate=3e-4)) == [3e-4]
    assert rates(case, suspect("lr_too_low", higher_rate=0.3)) == [0.3]


def test_others_are_sought_by_factors_of_ten(case, suspect):
    assert rates(case, suspect("lr_too_high")) == pytest.approx([1e-3, 1e-4, 1e-5])
    assert rates(case, suspect("lr_too_low")) == pytest.approx([0.1, 1.0, 10.0])


def test_a_schedule_without_a_rate_of_its_own_cannot_be_tried(case, suspect):
    assert rates(case, suspect("lr_schedule_conflict", epochs=3)) == []
