import numpy as np
import pytest

from residency.doctor.probe.features import dependence, features_of, shrink


def test_block_means():
    x = np.arange(32, dtype="float32").reshape(1, 4, 4, 2)
    assert np.array_equal(shrink(x, 2)[0, 0, 0], x[0, :2, :2].mean(axis=(0, 1)))
    assert shrink(x, 8).shape == (1, 4, 4, 2)
    assert shrink(np.zeros((3, 35, 20, 1)), 8).shape == (3, 8, 8, 1)


@pytest.mark.parametrize(
    ("shape", "images"), [((50, 40, 40, 3), True), ((50, 900), False)]
)
def test_features_are_standardised_and_few(shape, images):
    x = np.random.default_rng(0).normal(5, 3, shape)
    found = features_of(x, images=images)
    assert found.shape[1] <= 320
    assert np.allclose(found.mean(axis=0), 0, atol=1e-3)
    assert np.allclose(found.std(axis=0), 1, atol=1e-3)


def test_dependence_is_found_where_it_is():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 20))
    rings = (np.square(x[:, :2]).sum(axis=1) > 1.4).astype(int)
    assert dependence(x, (x[:, 0] > 0).astype(int)).z > 10
    assert dependence(x[:, :2], rings).accuracy > 0.9
    found = dependence(x, rng.integers(0, 4, 400))
    assert abs(found.z) < 4
    assert found.chance == pytest.approx(0.25, abs=0.06)
