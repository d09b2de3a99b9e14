import keras
import numpy as np
import pytest

from residency.doctor.probe.graph import read_graph
from residency.doctor.probe.pixels import CONTRACTS, from_pixels
from residency.doctor.probe.witness import ask_witness

L = keras.layers


@pytest.fixture
def pixels():
    rng = np.random.default_rng(0)
    x = rng.normal(0, 40, (16, 12, 12, 3)) + rng.normal(0, 40, (16, 12, 12, 1))
    return np.clip(np.rint(x + np.array((140, 117, 90))), 0, 255).astype("float32")


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    norm = L.BatchNormalization(momentum=0.0)
    return keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            L.Conv2D(32, 3),
            norm,
            L.ReLU(),
            L.Flatten(),
            L.Dense(2),
        ]
    )


@pytest.mark.parametrize("name", CONTRACTS)
def test_statistics_name_what_they_were_measured_on(model, pixels, name):
    model(from_pixels(pixels, name), training=True)
    for given in CONTRACTS:
        witness = ask_witness(model, read_graph(model), from_pixels(pixels, given))
        assert witness is not None
        fits = {key: fit.badness for key, fit in witness.by_contract.items()}
        assert min(fits, key=lambda key: fits[key]) in {name, f"{name} bgr"}
        assert fits[name] < 0.05
        assert (witness.as_given.badness < 0.05) == (given == name)


def test_an_untrained_layer_is_no_witness(model, pixels):
    assert ask_witness(model, read_graph(model), pixels) is None


def test_the_model_is_as_before(model, pixels):
    model(pixels, training=True)
    before = [np.array(keras.ops.convert_to_numpy(v)) for v in model.variables]
    ask_witness(model, read_graph(model), pixels)
    after = [np.array(keras.ops.convert_to_numpy(v)) for v in model.variables]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert "call" not in vars(model.layers[1])
