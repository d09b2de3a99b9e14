"""A single batch, learned or not."""

import numpy as np
import pytest

from residency.doctor.checks.optimisation.cannot_overfit import check


@pytest.mark.parametrize(
    ("losses", "severity"),
    [([1.39] * 80, "warning"), (np.linspace(1.39, 1.3, 80), "advice")],
)
def test_finds(probe_of, with_trials, losses, severity):
    (found,) = check(with_trials(probe_of(), [1.4], overfit=losses))
    assert (found.label, found.severity) == ("cannot_overfit", severity)


@pytest.mark.parametrize(
    "losses", [np.geomspace(1.39, 0.1, 80), np.linspace(1.39, 1.1, 80), [0.01] * 80]
)
def test_near_misses(probe_of, with_trials, losses):
    assert check(with_trials(probe_of(), [1.4], overfit=losses)) == []


def test_few_steps_do_not_tell(probe_of, with_trials):
    assert check(with_trials(probe_of(), [1.4], overfit=[1.39] * 5)) is None


def test_without_trials_it_cannot_tell(probe_of):
    assert check(probe_of()) is None


def test_inputs_of_another_scale_do_not_tell(probe_of, with_trials):
    rng = np.random.default_rng(0)
    pixels = rng.uniform(0, 255, (64, 8)).astype("float32"), np.arange(64) % 4
    probe = probe_of(data=pixels)
    assert check(with_trials(probe, [1.4], overfit=[1.39] * 80)) is None
