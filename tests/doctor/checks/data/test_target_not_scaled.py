import keras
import numpy as np
import pytest

from residency.doctor.checks.data import target_not_scaled

run = target_not_scaled.CHECK.run


def findings(probe_of, y, layers=(), loss="mse"):
    x = np.random.default_rng(0).normal(size=(len(y), 6)).astype("float32")
    model = [keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1), *layers]
    return run(probe_of((x, y.astype("float32")), layers=model, loss=loss))


PRICES = np.linspace(50_000, 900_000, 80)[:, None]


def test_prices_are_found(probe_of):
    (found,) = findings(probe_of, PRICES)
    assert found.severity == "warning"
    assert found.evidence["target_max"] == 900_000


@pytest.mark.parametrize(
    "y", [PRICES / 1e6, PRICES / 1e4, np.linspace(0, 99, 80)[:, None]]
)
def test_small_targets_are_silent(probe_of, y):
    assert findings(probe_of, y) == []


def test_an_output_that_scales_itself_is_silent(probe_of):
    layers = [keras.layers.Rescaling(300_000, offset=450_000)]
    assert findings(probe_of, PRICES, layers) == []


def test_a_loss_of_ratios_is_not_judged(probe_of):
    loss = "mean_squared_logarithmic_error"
    assert findings(probe_of, PRICES, [keras.layers.ReLU()], loss) is None
