"""Pictures, batches that change when they are read, and probes without training."""

import keras
import numpy as np
import pytest

from residency.doctor.probe import take_probe


class Batches(keras.utils.PyDataset):
    """Batches in a given order, each changed at random when it is read."""

    def __init__(self, x, y, *, change=None, shuffle=True, size=16):
        super().__init__()
        self.x, self.y, self.change, self.shuffle, self.size = (
            x,
            y,
            change,
            shuffle,
            size,
        )
        self.rng = np.random.default_rng(1)
        self.order = np.arange(len(x))

    def __len__(self):
        return -(-len(self.x) // self.size)

    def __getitem__(self, index):
        rows = self.order[index * self.size : (index + 1) * self.size]
        x = self.x[rows]
        if self.change is not None:
            x = np.stack([self.change(image, self.rng) for image in x])
        return x.astype("float32"), self.y[rows]

    def on_epoch_end(self):
        if self.shuffle:
            self.rng.shuffle(self.order)


@pytest.fixture(scope="session")
def batches():
    return Batches


@pytest.fixture(scope="session")
def probe_of():
    """Returns a function that measures data with a small model, without training."""

    def measure(
        train,
        validation=None,
        *,
        layers=None,
        units=4,
        loss="sparse_categorical_crossentropy",
        model=None,
        **plan,
    ):
        first = train[0][:1] if isinstance(train, tuple) else train[0][0][:1]
        if model is None:
            if layers is None:
                activation = "softmax" if "categorical" in loss else None
                layers = [
                    keras.layers.Flatten(),
                    keras.layers.BatchNormalization(),
                    keras.layers.Dense(units, activation=activation),
                ]
            model = keras.Sequential([keras.Input(np.shape(first)[1:]), *layers])
        model.compile("adam", loss)
        return take_probe(
            model, train, validation, budget_seconds=30, trials=False, **plan
        )

    return measure
