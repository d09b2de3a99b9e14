import keras
import numpy as np
import pytest
from keras import layers

from residency.doctor.checks.model.first_weights import (
    gain_of,
    kernel_of,
    trained_before,
)


def test_the_gain_is_what_a_kernel_does_to_noise():
    rng = np.random.default_rng(0)
    kernel = rng.normal(0, 0.3, (200, 300))
    x = rng.normal(size=(500, 200))
    assert gain_of(kernel) == pytest.approx((x @ kernel).std(), rel=0.02)
    spread = keras.initializers.HeNormal(seed=0)((3, 3, 64, 256)).detach().numpy()
    assert gain_of(spread) == pytest.approx(np.sqrt(2), rel=0.02)


def test_fresh_weights_are_told_from_trained_ones(probe_of, images):
    x, y = images()
    parts = [layers.Conv2D(8, 3), layers.BatchNormalization(), layers.ReLU()]
    parts += [layers.Flatten(), layers.Dense(4, activation="softmax")]
    model = keras.Sequential([keras.Input(x.shape[1:]), *parts])
    assert not trained_before(probe_of(model, (x, y)))
    model.fit(x, y, epochs=1, verbose=0)
    assert trained_before(probe_of(model, (x, y)))


def test_lstm_biases_are_unequal_from_the_start(probe_of, table):
    parts = [layers.Reshape((8, 1)), layers.LSTM(4), layers.Dense(3)]
    assert not trained_before(probe_of(parts, table(), "mse"))


def test_layers_without_a_kernel_of_their_own(probe_of, table):
    nodes = probe_of([layers.Dense(3), layers.ReLU()], table(), "mse").graph.nodes
    shapes = [k if (k := kernel_of(n)) is None else k.shape for n in nodes]
    assert shapes == [None, (8, 3), None]
