"""Numbers that become tensors: the same ones, made where they are to be."""

import keras
import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

from residency.engine.numbers import FilledByKernel, numbers_on


@pytest.mark.parametrize("number", [2.5, 7, True, np.float64(0.1)])
@pytest.mark.parametrize("dtype", [None, torch.float32, torch.int64])
def test_the_tensor_is_the_same(number, dtype):
    expected = torch.as_tensor(number, dtype=dtype)
    with FilledByKernel():
        found = torch.as_tensor(number, dtype=dtype)
    assert found.dtype == expected.dtype
    assert found.shape == ()
    assert torch.equal(found, expected)


def test_all_else_is_left_alone():
    array = np.arange(3)
    with FilledByKernel():
        assert torch.as_tensor(array).data_ptr() == torch.from_numpy(array).data_ptr()
        assert torch.as_tensor([1, 2]).tolist() == [1, 2]


class Copies(TorchFunctionMode):
    """Keeps the numbers of which copies are asked for."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is torch.as_tensor and not isinstance(args[0], np.ndarray):
            self.found.append(args[0])
        return func(*args, **(kwargs or {}))


def test_no_number_of_keras_is_copied():
    """A regularizer, a clipping and arithmetic: none of them asks for a copy."""
    x = keras.ops.convert_to_tensor(np.ones((2, 3), "float32"))

    def compute():
        keras.regularizers.L2(0.01)(x)
        keras.ops.clip(keras.ops.multiply(x, 2.0), 0.0, 6.0)

    with Copies() as before:
        compute()
    assert {0.01, 2.0, 6.0} <= set(before.found)
    with Copies() as after, FilledByKernel():
        compute()
    assert after.found == []


def test_only_a_gpu_has_to_be_waited_for():
    with numbers_on(torch.device("cpu")) as mode:
        assert mode is None
    assert isinstance(numbers_on(torch.device("cuda")), FilledByKernel)
