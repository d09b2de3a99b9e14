"""Small stand-ins of pretrained networks, and photo-like pictures."""

import keras
import numpy as np
import pytest

from residency.doctor.probe import take_probe
from residency.doctor.probe.pixels import from_pixels

L = keras.layers


@pytest.fixture(scope="session")
def pictures():
    """Returns smooth pixels `(n, 32, 32, 3)`, RGB, 0..255, red rather than blue."""

    def draw(count=48, seed=0, side=32):
        rng = np.random.default_rng(seed)
        frequency = np.hypot(
            np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
        )
        amplitude = 1 / np.maximum(frequency, 1 / side)
        amplitude[0, 0] = 0
        phases = np.exp(2j * np.pi * rng.random((count, 3, *amplitude.shape)))
        fields = np.fft.irfft2(amplitude * phases, s=(side, side))
        fields /= fields.std(axis=(2, 3), keepdims=True)
        mix = np.array([[52, 18, 8], [52, 0, -14], [52, -18, 8]])
        x = np.einsum("rc,ncij->nijr", mix, fields) + np.array((124, 117, 104))
        x += rng.normal(0, 15, (count, 1, 1, 1)) + rng.normal(0, 8, (count, 1, 1, 3))
        return np.clip(np.rint(x), 0, 255).astype("float32")

    return draw


@pytest.fixture
def pretrained(pictures):
    """Returns a function that builds a small network with a name and a past.

    Its kernels are random; its moving statistics were measured on pictures as
    `contract` prepares them.
    """

    def build(name, contract, *, own=(), bn=True, seed=0, epsilon=1.001e-5):
        keras.utils.set_random_seed(seed)
        layers = [
            keras.Input((32, 32, 3)),
            *own,
            L.ZeroPadding2D(1, name="conv1_pad"),
            L.Conv2D(24, 3, name="conv1_conv", bias_initializer="random_normal"),
        ]
        if bn:
            layers.append(L.BatchNormalization(name="conv1_bn", epsilon=epsilon))
        layers += [L.ReLU(), L.Conv2D(32, 3, name="conv2"), L.GlobalAveragePooling2D()]
        base = keras.Sequential(layers, name=name)
        for layer in base.layers:
            if isinstance(layer, L.BatchNormalization):
                layer.momentum = 0.0
        base(from_pixels(pictures(64, seed=9), contract), training=True)
        for layer in base.layers:
            if isinstance(layer, L.BatchNormalization):
                layer.momentum = 0.99
        return base

    return build


@pytest.fixture
def probe_of():
    """Returns a function that measures a body with a head on inputs, untrained."""

    def measure(body, x, *, before=(), frozen=True, optimizer="adam", epochs=None):
        if frozen is not None:
            body.trainable = not frozen
        layers = [keras.Input(x.shape[1:]), *before, body]
        model = keras.Sequential([*layers, L.Dense(3, activation="softmax")])
        model.compile(optimizer, "sparse_categorical_crossentropy")
        y = np.arange(len(x)) % 3
        return take_probe(model, (x, y), epochs=epochs, budget_seconds=30, trials=False)

    return measure
