import math

import numpy as np
import pytest

from residency.doctor.history.curves import Curves, best_index, median, noise, tail


@pytest.mark.parametrize("spread", [0.01, 0.3])
def test_the_noise_of_a_curve_is_that_about_its_trend(spread):
    rng = np.random.default_rng(0)
    values = 5 - 0.02 * np.arange(2000) + rng.normal(0, spread, 2000)
    assert noise(values.tolist()) == pytest.approx(spread, rel=0.1)


def test_a_straight_line_has_no_noise():
    assert noise([3.0, 2.0, 1.0, 0.0, -1.0]) == 0


def test_medians_and_tails_pass_over_nan():
    assert median([math.nan, 3.0, 1.0, 2.0]) == 2.0
    assert math.isnan(median([math.nan]))
    assert tail(list(range(10)), least=2) == [8, 9]


def test_the_best_epoch_is_the_first_of_equals():
    curves = Curves(source="", val_accuracy=(0.1, 0.5, math.nan, 0.5))
    assert best_index(curves) == 1
    assert best_index(Curves(source="", loss=(1.0,))) is None
    assert best_index(Curves(source="", val_loss=(3.0, 1.0, 2.0))) == 1


def test_the_floor_of_a_smoothed_loss():
    curves = Curves(source="", label_smoothing=0.1, num_classes=10)
    target = np.full(10, 0.01) + np.eye(10)[0] * 0.9
    assert curves.loss_floor == pytest.approx(-(target * np.log(target)).sum())
    assert Curves(source="").loss_floor == 0
