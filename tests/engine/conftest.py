"""A small network and small data for the engine's tests."""

import keras
import numpy as np
import pytest

from residency.data import load
from residency.engine.network import Network


def small_model(seed=0):
    """Returns a convolution with batch normalisation and dropout, 3 classes."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 3), name="images"),
            layers.Rescaling(1 / 127.5, offset=-1, name="preprocessing"),
            layers.Conv2D(4, 3, use_bias=False, name="conv"),
            layers.BatchNormalization(momentum=0.9, name="bn"),
            layers.Activation("relu", name="relu"),
            layers.Dropout(0.2, seed=1, name="dropout"),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(3, name="predictions"),
            layers.Activation("softmax", name="probabilities"),
        ]
    )


@pytest.fixture
def network():
    return Network(small_model())


@pytest.fixture
def batch():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (6, 8, 8, 3)).astype("uint8")
    return images, random.integers(0, 3, 6)


def bright_images(count=60, seed=0):
    """Returns images whose class is their brightest channel: easy to learn."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = random.integers(0, 120, (count, 8, 8, 3))
    images[np.arange(count), :, :, labels] += 100
    return images.astype("uint8"), labels


@pytest.fixture
def dataset():
    return load(bright_images(), seed=0)
