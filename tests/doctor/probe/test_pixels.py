import numpy as np
import pytest

from residency.doctor.probe.pixels import (
    CONTRACTS,
    contract_by_range,
    contract_of,
    from_pixels,
    recover,
    to_pixels,
)

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3)).astype("float32")


@pytest.mark.parametrize("name", CONTRACTS)
def test_each_contract_is_told_by_steps_and_by_range(name):
    x = from_pixels(PIXELS, name)
    assert contract_of(x) == contract_by_range(x) == name
    assert np.allclose(to_pixels(x), PIXELS, atol=0.01)


@pytest.mark.parametrize(
    ("mean", "std"), [(0, 1), (109.939, 1), (123.68, 58.4), (3, 250)]
)
def test_constants_come_back(mean, std):
    found = recover(((PIXELS - mean) / std).astype("float32"))
    assert found is not None
    assert found.std == pytest.approx(std, rel=1e-4)
    assert found.mean == pytest.approx(mean, abs=0.02)
    assert found.slack == 0


def test_a_mean_is_known_up_to_whole_pixels_where_the_ends_were_not_seen():
    found = recover((np.clip(PIXELS, 40, 200) - 103.939).astype("float32"))
    assert found is not None
    assert found.slack == 255 - 160
    assert found.mean_near(103.939) == pytest.approx(103.939, abs=0.02)
    assert found.mean_near(110) == pytest.approx(109.939, abs=0.02)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x + np.random.default_rng(1).normal(0, 1, x.shape),
        lambda x: x * np.linspace(0.5, 1.5, 8)[:, None, None, None],
        lambda x: (x > 100) * 1.0,
        lambda x: x * np.nan,
    ],
)
def test_values_without_steps_give_none(change):
    assert recover(change(PIXELS).astype("float32")) is None


def test_standard_normal_numbers_are_no_pixels():
    x = np.random.default_rng(0).normal(0, 300, (8, 16, 16, 3)).astype("float32")
    assert contract_of(x) is None
    assert to_pixels(x) is None
