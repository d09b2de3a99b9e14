"""Only a plan that was run whole can be called too short."""

import keras
import numpy as np
import pytest

from residency.doctor.checks.optimisation.too_few_epochs import check


@pytest.fixture
def probe(probe_of):
    """Returns a plan of ten steps."""
    return probe_of(optimizer=keras.optimizers.SGD(0.01), epochs=5)


def test_finds_a_plan_that_ends_in_the_fall(probe, with_trials):
    (found,) = check(with_trials(probe, np.linspace(2.3, 1.6, 10)))
    assert (found.label, found.severity) == ("too_few_epochs", "warning")


@pytest.mark.parametrize(
    "losses",
    [
        np.geomspace(2.3, 0.3, 10),
        [2.3, 2.0, 1.8, 1.7, 1.65, 1.63, 1.62, 1.62, 1.61, 1.61],
        [2.3] * 10,
        2.3 + np.random.default_rng(0).normal(0, 0.2, 10),
    ],
    ids=["learned", "levelled off", "stands still", "noise"],
)
def test_near_misses(probe, with_trials, losses):
    assert check(with_trials(probe, losses)) == []


def test_a_rate_that_was_brought_down_means_to_end(probe, with_trials):
    rates = list(np.linspace(0.01, 0.0001, 10))
    assert check(with_trials(probe, np.linspace(2.3, 1.6, 10), rates=rates)) == []


def test_part_of_a_plan_does_not_tell(probe, with_trials):
    assert check(with_trials(probe, np.linspace(2.3, 1.9, 6))) is None


def test_batches_cut_for_time_do_not_tell(probe, with_trials):
    assert check(with_trials(probe, np.linspace(2.3, 1.6, 10), rows=8)) is None


def test_finds_a_plan_that_ends_before_learning_begins(probe, with_trials):
    sick = with_trials(probe, [2.3] * 10, beyond=np.linspace(2.3, 0.5, 110))
    (found,) = check(sick)
    assert (found.label, found.severity) == ("too_few_epochs", "warning")
    assert found.evidence["further_steps"] == 110


def test_further_steps_that_bring_nothing_are_no_cure(probe, with_trials):
    assert check(with_trials(probe, [2.3] * 10, beyond=[2.25] * 110)) == []
