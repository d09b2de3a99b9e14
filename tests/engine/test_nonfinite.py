"""The layer that NaN comes from is named, and looking changes nothing."""

import keras
import numpy as np
import pytest
from keras import layers

from residency.engine.nonfinite import where_not_finite

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype("uint8")


def build(*middle):
    keras.utils.set_random_seed(0)
    inputs = x = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="first")(x)
    x = layers.BatchNormalization(name="norm")(x)
    for layer in middle:
        x = layer(x)
    x = layers.ReLU(name="relu")(x)
    return keras.Model(inputs, layers.Dense(2, name="last")(layers.Flatten()(x)))


class Logarithm(layers.Layer):
    def call(self, x):
        return keras.ops.log(x)


def test_the_first_layer_that_makes_nan_is_named():
    model = build(Logarithm(name="log"), layers.Conv2D(2, 1, name="after"))
    assert where_not_finite(model, IMAGES).startswith("layer 'log' (Logarithm)")


@pytest.mark.parametrize(
    ("layer", "variable"), [("first", "kernel"), ("norm", "gamma"), ("last", "bias")]
)
def test_a_weight_that_is_not_finite_is_named(layer, variable):
    model = build()
    weight = getattr(model.get_layer(layer), variable)
    weight.assign(np.full(weight.shape, np.nan))
    found = where_not_finite(model, IMAGES)
    assert found.startswith(f"the {variable} of layer {layer!r}")


def test_looking_changes_nothing():
    model = build(layers.Dropout(0.5))
    before = [v.numpy().copy() for v in model.variables]
    assert where_not_finite(model, IMAGES).endswith("values are finite")
    for a, b in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(a, b.numpy())
