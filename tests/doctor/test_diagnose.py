"""What `diagnose` says where it cannot look."""

import keras
import numpy as np
import pytest

from residency.doctor import diagnose, try_cures
from residency.doctor.diagnosis import Diagnosis
from residency.errors import ConfigError

DATA = np.random.default_rng(0).random((64, 8)).astype("float32"), np.arange(64) % 2


def network():
    return keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(2, activation="softmax")]
    )


def test_a_model_that_is_not_compiled_is_told():
    model = network()
    (note,) = diagnose(model, DATA, budget_seconds=2).notes
    assert "not compiled" in note
    assert "recipe=" in note
    assert diagnose(model, DATA, recipe="quick/photos", budget_seconds=2).notes == ()
    model.compile("adam", "sparse_categorical_crossentropy")
    assert diagnose(model, DATA, budget_seconds=2).notes == ()


def test_a_name_is_no_model():
    with pytest.raises(ConfigError, match="expected a Keras model, got str"):
        diagnose("model.keras", DATA)
    empty = Diagnosis(
        findings=(), healthy=(), not_checked=(), subject="net", seconds=0.0
    )
    assert try_cures(network(), DATA, empty) is empty
