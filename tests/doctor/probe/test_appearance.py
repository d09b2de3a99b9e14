import numpy as np
import pytest

from residency.doctor.probe.appearance import appearance, turned_hues


def test_numbers_of_simple_pictures():
    x = np.zeros((2, 20, 20, 3), "float32")
    x[0] = (200, 100, 50)
    x[1, ::2] = 255
    found = appearance(x, 0, 255)
    assert found["flat"].tolist() == [1, 0]
    assert found["brightness"] == pytest.approx([350 / 765, 0.5])
    assert found["contrast"] == pytest.approx([0, 0.5], abs=1e-6)
    assert found["saturation"] == pytest.approx([150 / 255, 0], abs=1e-6)
    assert found["warm"] == pytest.approx([150 / 255, 0], abs=1e-6)
    assert appearance(x + 60, 0, 255)["outside"].tolist() == pytest.approx([0.0, 0.5])


def test_turned_hues_count_neither_inversion_nor_small_turns():
    x = np.random.default_rng(0).uniform(0, 255, (16, 8, 8, 3)).astype("float32")
    x[..., 2] *= 0.3
    assert turned_hues(x, x[..., ::-1]) > 0.9
    assert turned_hues(x, x) == 0
    assert turned_hues(x, 0.5 * x) == 0
    assert turned_hues(x, 255 - x) < 0.2
