"""Small stand-ins of pretrained networks, and photo-like pictures."""

import keras
import numpy as np
import pytest

from residency.doctor.probe import take_probe
from residency.doctor.probe.pixels import from_pixels

L = keras.layers


@pytest.fixture(scope="session")
def pictures(pictures):
    """Returns a function that draws pictures, their classes left out."""
    return lambda count=48, seed=0: pictures(count, seed=seed)[0]


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
