import random

from residency.doctor.history import Curves
from residency.doctor.history.checks.oscillating import check


def test_jumps_of_half_the_loss():
    loss = tuple(1.5 + 0.5 * (-1) ** n for n in range(12))
    (found,) = check(Curves(source="", loss=loss))
    assert found.evidence["largest"] == 1.0


def test_the_mean_of_a_few_batches_is_noise():
    """Two steps an epoch over 56 photos: the loss rose in 5 of 15 epochs."""
    loss = (0.9, 0.7, 0.8, 0.5, 0.7, 0.4, 0.6, 0.3, 0.5, 0.2)
    rates = (45.5556, 0.3)
    for steps, count in ((2, 0), (9, 0), (10, 1), (None, 1)):
        curves = Curves(
            source="", loss=loss, steps_per_epoch=steps, learning_rate=rates
        )
        found = list(check(curves))
        assert len(found) == count
        assert all(f.snippet == "learning_rate=9" for f in found)


def test_noise_about_a_small_loss_is_none():
    """The digits at the end of a run: 0.001, give or take as much."""
    rng = random.Random(0)
    loss = (2.3, 0.9, 0.3, *(0.001 * rng.expovariate(1) for _ in range(27)))
    assert list(check(Curves(source="", loss=loss))) == []


def test_one_spike_is_none():
    loss = (2.3, 1.9, 1.5, 1.3, 1.1, 1.0, 1.9, 0.9, 0.8, 0.75, 0.7)
    assert list(check(Curves(source="", loss=loss))) == []
