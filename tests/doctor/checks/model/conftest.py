"""Small models and data for one check at a time."""

import keras
import numpy as np
import pytest

from residency.doctor.probe import take_probe


@pytest.fixture
def probe_of():
    """Returns a function that measures layers or a model on data, without trials."""

    def measure(
        layers,
        data,
        loss="sparse_categorical_crossentropy",
        metrics=(),
        validation=None,
    ):
        model = layers
        if not isinstance(layers, keras.Model):
            model = keras.Sequential([keras.Input(data[0].shape[1:]), *layers])
        model.compile("sgd", loss, metrics=list(metrics))
        return take_probe(model, data, validation, budget_seconds=20, trials=False)

    return measure


@pytest.fixture
def images():
    """Returns a function that makes images whose mean colour tells the class."""

    def make(count=64, side=16, classes=4, channels=3, one_hot=False):
        rng = np.random.default_rng(0)
        y = np.arange(count) % classes
        x = rng.normal(0, 0.5, (count, side, side, channels)).astype("float32")
        x += np.cos(y[:, None] * np.arange(1, channels + 1))[:, None, None, :]
        return x.astype("float32"), (np.eye(classes)[y] if one_hot else y)

    return make


@pytest.fixture
def table():
    """Returns a function that makes rows of numbers and class numbers."""

    def make(count=96, width=8, classes=3, one_hot=False):
        rng = np.random.default_rng(1)
        y = np.arange(count) % classes
        x = rng.normal(0, 1, (count, width)) + y[:, None]
        return x.astype("float32"), (np.eye(classes)[y] if one_hot else y)

    return make
