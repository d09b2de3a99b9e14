"""All that `fit` accepts, as the same batches."""

import importlib.util
import os
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from residency.doctor.probe.source import Source, to_arrays
from residency.errors import DataError

X = np.arange(40, dtype="float32").reshape(10, 4)
Y = np.arange(10) % 2


class Batches(keras.utils.PyDataset):
    def __init__(self):
        super().__init__()
        self.epoch = 0

    def __len__(self):
        return 3

    def __getitem__(self, index):
        part = slice(4 * index, 4 * index + 4)
        return X[part] + 100 * self.epoch, Y[part]

    def on_epoch_end(self):
        self.epoch += 1


def pairs():
    for start in range(0, 10, 4):
        yield X[start : start + 4], Y[start : start + 4]


def loader():
    return DataLoader(TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=4)


@pytest.mark.parametrize(
    ("data", "steps", "size"),
    [
        (Batches(), 3, None),
        (loader(), 3, 10),
        (pairs(), None, None),
    ],
    ids=["PyDataset", "DataLoader", "generator"],
)
def test_same_batches_whatever_holds_them(data, steps, size):
    source = Source(data)
    assert (source.steps, source.size) == (steps, size)
    batches = list(source.batches())
    assert [len(x) for x, _, _ in batches] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([x for x, _, _ in batches]), X)
    np.testing.assert_array_equal(np.concatenate([y for _, y, _ in batches]), Y)
    assert all(isinstance(a, np.ndarray) for x, y, _ in batches for a in (x, y))


def test_arrays_come_in_one_random_order_with_their_labels():
    source = Source((X, Y), batch_size=4)
    batches = list(source.batches())
    x = np.concatenate([x for x, _, _ in batches])
    y = np.concatenate([y for _, y, _ in batches])
    assert sorted(x[:, 0]) == sorted(X[:, 0])
    assert not np.array_equal(x, X)
    np.testing.assert_array_equal(y, (x[:, 0] / 4).astype(int) % 2)
    again = np.concatenate([x for x, _, _ in source.batches()])
    np.testing.assert_array_equal(again, x)


def test_sample_weights_and_several_inputs():
    x, y, weights = next(Source(({"a": X, "b": X}, Y, Y + 1.0)).batches())
    np.testing.assert_array_equal(weights, y + 1.0)
    assert set(x) == {"a", "b"}


def test_the_next_epoch_is_that_of_a_copy():
    data = Batches()
    following = Source(data).next_epoch()
    assert next(following.batches())[0].min() == 100
    assert data.epoch == 0


def test_an_iterator_is_read_once():
    source = Source(pairs())
    assert source.is_iterator
    assert source.next_epoch() is None
    assert len(list(source.batches())) == 3
    assert list(source.batches()) == []


def test_tensors_become_arrays():
    x, y, weights = to_arrays((torch.ones(2, 3, requires_grad=True), torch.ones(2)))
    assert isinstance(x, np.ndarray)
    assert y.shape == (2,)
    assert weights is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (3, "got int"),
        ("photos", r"got str.*residency\.data\.load\('photos'\)"),
        (X, r"got ndarray.*\(x,\)"),
        ((X, Y[:3]), "10, 3 samples"),
        (({"a": X, "b": X[:4]}, Y), "10, 4, 10 samples"),
        ((X[:0], Y[:0]), "no samples"),
        ((None, None), "no samples"),
    ],
    ids=["number", "name", "inputs alone", "lengths", "inputs", "empty", "nothing"],
)
def test_what_fit_would_not_take(data, says):
    with pytest.raises(DataError, match=says):
        Source(data)


def test_inputs_without_labels():
    x, y, weights = next(Source((X,), batch_size=4).batches())
    assert (x.shape, y, weights) == ((4, 4), None, None)


def test_lists_of_numbers_are_no_arrays():
    with pytest.raises(DataError, match=r"sequence of 10.*np\.asarray"):
        next(Source((X.tolist(), Y.tolist())).batches())


PROGRAM = """
    import numpy as np, tensorflow as tf
    from residency.doctor.probe.source import Source
    x = np.arange(40, dtype="float32").reshape(10, 4)
    data = tf.data.Dataset.from_tensor_slices((x, np.arange(10))).batch(4)
    source = Source(data)
    batches = list(source.batches())
    assert source.steps == 3
    assert Source(data.repeat()).steps is None
    np.testing.assert_array_equal(np.concatenate([b[0] for b in batches]), x)
    print("done")
"""


@pytest.mark.slow
def test_tf_data():
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("tensorflow is not installed")
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        env=os.environ | {"KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
    )
    assert "done" in run.stdout, run.stderr[-2000:]
