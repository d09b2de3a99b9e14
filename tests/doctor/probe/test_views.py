import keras
import numpy as np
import pytest
import torch

from residency.doctor.probe.views import view_of


def test_a_view_of_a_variable_follows_it():
    variable = keras.Variable(np.zeros(3, "float32"))
    view = view_of(variable)
    variable.value.data.fill_(2)
    assert view.tolist() == [2, 2, 2]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int64", "bool"])
def test_any_kind_of_number(dtype):
    expected = [0, 1, 1] if dtype == "bool" else [0, 1, 3]
    tensor = torch.tensor([0.0, 1.0, 3.0]).to(getattr(torch, dtype))
    assert view_of(tensor).astype("float32").tolist() == expected
    assert view_of(torch.ones(2, requires_grad=True)).tolist() == [1, 1]
