"""Pictures that a network cannot take, each with its cure."""

import keras
import numpy as np
import pytest

from residency.doctor import diagnose
from residency.doctor.checks.data import inputs_refused
from residency.doctor.probe import take_probe

LABELS = np.arange(32) % 4


def network(shape):
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D() if None in shape else layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def found(model, *shape):
    x = np.random.default_rng(0).random((32, *shape)).astype("float32")
    return inputs_refused.run(take_probe(model, (x, LABELS), trials=False))


@pytest.mark.parametrize(
    ("takes", "given", "snippet"),
    [
        ((28, 28, 3), (32, 32, 3), "resize(x, (28, 28))"),
        ((28, 28, 3), (28, 28, 1), "np.repeat(x, 3, axis=-1)"),
        ((None, None, 3), (28, 28, 1), "np.repeat(x, 3, axis=-1)"),
        ((28, 28, 1), (28, 28, 3), "x.mean(axis=-1, keepdims=True)"),
        ((28, 28, 3), (28, 28), "np.repeat(x[..., None], 3, axis=-1)"),
        ((28, 28, 3), (2352,), "model.input_shape"),
    ],
)
def test_what_a_network_does_not_take(takes, given, snippet):
    (finding,) = found(network(takes), *given)
    assert finding.severity == "error"
    assert snippet in finding.snippet
    assert finding.evidence["given"] == str(given)
    assert finding.evidence["model_takes"] == str(takes)
    assert finding.title.endswith(f"it takes {takes}, they are {given}.")
    assert len(finding.why) < 400
    assert not any(
        odd in finding.why for odd in ("Exception encountered", "\x1b", "[[")
    )


def test_what_a_network_takes():
    assert found(network((28, 28, 3)), 28, 28, 3) == []
    assert found(network((28, 28, 1)), 28, 28) == []  # Keras adds the axis itself
    assert found(network((None, None, 3)), 20, 24, 3) == []


def test_a_model_for_one_size_of_batch_takes_such_a_batch():
    fixed = keras.Sequential(
        [
            keras.Input(batch_shape=(32, 8, 8, 3)),
            keras.layers.Lambda(lambda x: keras.ops.reshape(x, (32, 192))),
            keras.layers.Dense(4, activation="softmax"),
        ]
    )
    fixed.compile("adam", "sparse_categorical_crossentropy")
    assert found(fixed, 8, 8, 3) == []


def test_what_keras_warns_of_is_taken():
    """A list of one input, given as an array: here a warning is an error."""
    inputs = [keras.Input((8,))]
    model = keras.Model(inputs, keras.layers.Dense(4, activation="softmax")(inputs[0]))
    model.compile("adam", "sparse_categorical_crossentropy")
    assert found(model, 8) == []


def test_it_is_no_model_without_fault():
    x = np.zeros((32, 32, 32, 3), "float32")
    diagnosis = diagnose(network((28, 28, 3)), (x, LABELS), budget_seconds=2)
    assert diagnosis.worst == "error"
    assert "RD119" in {finding.code for finding in diagnosis}
