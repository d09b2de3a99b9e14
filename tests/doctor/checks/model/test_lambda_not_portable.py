import keras
import pytest
from keras import layers

from residency.doctor.checks.model.lambda_not_portable import find


def test_functions_without_a_name(probe_of, table, tmp_path):
    model = keras.Sequential(
        [keras.Input((8,)), layers.Lambda(lambda x: x * 2), layers.Dense(3)]
    )
    assert [f.severity for f in find(probe_of(model, table(), "mse"))] == ["advice"]
    model.save(tmp_path / "model.keras")
    with pytest.raises(Exception, match="lambda"):
        keras.models.load_model(tmp_path / "model.keras")


def test_layers(probe_of, table):
    assert (
        find(probe_of([layers.Rescaling(2.0), layers.Dense(3)], table(), "mse")) == []
    )
