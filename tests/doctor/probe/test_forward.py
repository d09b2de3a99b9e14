import keras
import numpy as np
import pytest
from keras import layers

from residency.doctor.probe.forward import run_forward, signal_of
from residency.doctor.probe.graph import read_graph


def test_statistics_over_all_but_channels():
    value = np.random.default_rng(0).normal(2, 3, (6, 5, 4, 3)).astype("float32")
    value[..., 1] = 0
    signal = signal_of(value)
    flat = value.reshape(-1, 3).astype("float64")
    assert signal.shape == (6, 5, 4, 3)
    assert signal.mean == pytest.approx(flat.mean(), rel=1e-5)
    assert signal.std == pytest.approx(flat.std(), rel=1e-5)
    assert signal.max_abs == pytest.approx(np.abs(flat).max())
    assert signal.zeros == pytest.approx(1 / 3)
    assert signal.dead.tolist() == [False, True, False]
    np.testing.assert_allclose(signal.channel_mean, flat.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(signal.channel_variance, flat.var(0), rtol=1e-4)
    between = value.astype("float64").mean((1, 2)).std(0).mean()
    assert signal.between == pytest.approx(between, rel=1e-4)


def test_channels_first():
    value = np.random.default_rng(0).normal(size=(6, 3, 5, 4)).astype("float32")
    value[:, 2] = 0
    signal = signal_of(value, axis=1)
    assert signal.dead.tolist() == [False, False, True]


def test_columns_scalars_and_infinities():
    assert signal_of(np.zeros(4)).dead.tolist() == [True]
    assert signal_of(np.float32(3)).mean == 3
    assert not signal_of(np.array([[1.0, np.inf]])).finite


def test_both_modes_and_half_a_batch():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(),
            layers.Dense(2, name="last"),
        ]
    )
    x = np.random.default_rng(0).normal(5, 2, (12, 8, 8, 3)).astype("float32")
    inference = model.predict(x, verbose=0)
    found = run_forward(model, read_graph(model), x)
    np.testing.assert_allclose(found.scores, inference, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.alone, inference[:6], rtol=1e-4, atol=1e-5)
    assert np.abs(found.training_scores - inference).max() > 0.1
    assert found.inputs["conv"].mean == pytest.approx(x.mean(), rel=1e-4)
    assert found.outputs["norm"].channel_mean == pytest.approx(
        found.outputs["conv"].channel_mean / np.sqrt(1.001), rel=1e-3
    )
    training = found.training_outputs["norm"]
    np.testing.assert_allclose(training.channel_mean, 0, atol=1e-4)
    np.testing.assert_allclose(training.channel_variance, 1, rtol=0.05)


def test_what_the_model_raises_is_raised():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    with pytest.raises(ValueError, match="incompatible"):
        run_forward(model, read_graph(model), np.zeros((2, 5), "float32"))


@pytest.mark.parametrize("axis", [-1, 1])
def test_of_large_maps_some_places_speak_for_all_but_extremes(axis):
    """Any memory order; the largest number and what is dead are of every place."""
    value = np.random.default_rng(0).normal(2, 3, (4, 60, 50, 3)).astype("float32")
    value[..., 1], value[..., 2] = 0, 0
    value[2, 31, 47, 2] = -40  # of 3,000 places, 256 or so are looked at
    given = np.moveaxis(value, -1, axis)
    for each in (given, np.ascontiguousarray(given)):
        signal = signal_of(each, axis)
        assert signal.max_abs == 40
        assert signal.dead.tolist() == [False, True, False]
        assert signal.channel_mean[0] == pytest.approx(2, abs=0.5)
        assert signal.channel_variance[0] == pytest.approx(9, rel=0.3)
