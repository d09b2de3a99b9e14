import math

import keras
import numpy as np
import pytest
from keras import layers

from residency.doctor.checks.model.double_softmax import find


def test_the_floor_is_the_loss_of_a_perfect_output(probe_of, table):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    (found,) = find(probe_of([layers.Dense(3, activation="softmax")], table(), loss))
    perfect = loss(np.arange(3), np.eye(3, dtype="float32"))
    assert found.severity == "error"
    assert found.evidence["loss_floor"] == pytest.approx(float(perfect), abs=1e-4)


def test_a_sigmoid_below_a_sigmoid(probe_of, table):
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model = [layers.Dense(1), layers.Activation("sigmoid"), layers.Reshape((1,))]
    (found,) = find(probe_of(model, table(classes=2), loss))
    assert found.evidence["loss_floor"] == pytest.approx(
        math.log1p(math.exp(-1)), abs=1e-4
    )


def test_a_model_with_a_call_of_its_own_is_told_by_its_scores(probe_of, table):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.head = layers.Dense(3)

        def call(self, x):
            return keras.ops.softmax(self.head(x))

    model, data = Own(), table()
    model(data[0][:2])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert [f.code for f in find(probe_of(model, data, loss))] == ["RD202"]


def test_scores_with_from_logits_and_softmax_without_are_right(probe_of, table):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert find(probe_of([layers.Dense(3)], table(), loss)) == []
    assert find(probe_of([layers.Dense(3, activation="softmax")], table())) == []
    inner = [layers.Dense(3, activation="softmax"), layers.Dense(3)]
    assert find(probe_of(inner, table(), loss)) == []
