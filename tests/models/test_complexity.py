"""Multiply-adds counted by hand."""

import keras
import pytest
from keras import layers

from residency.errors import ConfigError
from residency.models import CIFARResNet, multiply_adds


def count(*stack, shape=(8, 8, 4)):
    return multiply_adds(keras.Sequential([keras.Input(shape), *stack]))


def test_convolution():
    assert count(layers.Conv2D(6, 3, strides=2, padding="same")) == 4 * 4 * 6 * 9 * 4


def test_grouped_and_depthwise():
    assert count(layers.Conv2D(8, 3, groups=2, padding="same")) == 64 * 8 * 9 * 2
    assert count(layers.DepthwiseConv2D(3, padding="same")) == 64 * 4 * 9


def test_dense_and_what_does_not_count():
    stack = (layers.BatchNormalization(), layers.Flatten(), layers.Dense(5))
    assert count(*stack) == 8 * 8 * 4 * 5


def test_layer_called_twice_and_nested_model():
    dense = layers.Dense(3)
    inner = keras.Input((3,))
    nested = keras.Model(inner, dense(dense(inner)))
    outer = keras.Input((3,))
    assert multiply_adds(nested) == 18
    assert multiply_adds(keras.Model(outer, layers.Dense(2)(nested(outer)))) == 18 + 6


def test_open_image_size():
    with pytest.raises(ConfigError, match="fixed image_size"):
        multiply_adds(CIFARResNet(8, image_size=None))


def test_subclass():
    class Opaque(keras.Model):
        pass

    with pytest.raises(ConfigError, match="Functional"):
        multiply_adds(Opaque())
