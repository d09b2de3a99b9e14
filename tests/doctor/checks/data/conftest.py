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
def pictures():
    """Returns a function that draws photo-like RGB pixels `(n, 32, 32, 3)`, 0..255.

    Smooth in space, correlated in colour, red rather than blue; a stripe pattern tells
    the class.
    """

    def draw(count, classes=4, seed=0, side=32):
        rng = np.random.default_rng(seed)
        frequency = np.hypot(
            np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
        )
        amplitude = 1 / np.maximum(frequency, 1 / side)
        amplitude[0, 0] = 0
        phases = np.exp(2j * np.pi * rng.random((count, 3, *amplitude.shape)))
        fields = np.fft.irfft2(amplitude * phases, s=(side, side))
        fields /= fields.std(axis=(2, 3), keepdims=True)
        mix = np.array([[45, 18, 8], [45, 0, -14], [45, -18, 8]])
        x = np.einsum("rc,ncij->nijr", mix, fields) + np.array((124, 117, 104))
        x += rng.normal(0, 22, (count, 1, 1, 1)) + rng.normal(0, 8, (count, 1, 1, 3))
        y = np.arange(count) % classes
        rng.shuffle(y)
        along = np.mgrid[0:side, 0:side] * 2 * np.pi / side
        angles = np.pi * y / classes
        wave = np.cos(angles)[:, None, None] * along[0] * 2
        wave = np.sin(wave + np.sin(angles)[:, None, None] * along[1] * 2)
        x += 25 * wave[..., None]
        return np.clip(np.rint(x), 0, 255).astype("float32"), y

    return draw


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
