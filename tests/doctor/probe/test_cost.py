"""Slow models get fewer rows; fast ones and fixed sizes keep all."""

import time

import keras
import numpy as np
import pytest

from residency.doctor.probe import take_probe
from residency.doctor.probe.cost import TIMED_ROWS, affordable_rows, cut


class Slow(keras.layers.Layer):
    """Takes a hundredth of a second for each image."""

    def call(self, x):
        time.sleep(0.01 * len(x))
        return x


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(128, 4)).astype("float32"), np.arange(128) % 2


def model_of(*layers, **options):
    head = keras.layers.Dense(2, activation="softmax")
    model = keras.Sequential([keras.Input((4,), **options), *layers, head])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def test_rows_follow_from_the_time_of_a_row(data):
    """10 ms a row forward, so 30 for a gradient: 12 % of 10 s are 40 rows."""
    x, y = data
    rows = affordable_rows(model_of(Slow()), (x, y, None), looked=2, budget=10)
    assert 20 <= rows <= 40
    assert affordable_rows(model_of(Slow()), (x, y, None), 2, 1) == TIMED_ROWS
    assert affordable_rows(model_of(), (x, y, None), looked=0.4, budget=10) == len(x)


def test_cut_leaves_rows_of_all_parts(data):
    x, y = data
    [(a, b, none)] = cut([({"x": x}, y, None)], 5)
    assert np.array_equal(a["x"], x[:5])
    assert np.array_equal(b, y[:5])
    assert none is None
    whole = [(x, y, None)]
    assert cut(whole, 128) is whole


def test_a_slow_model_keeps_near_its_budget(data):
    """Batches of 128 would take 1.3 s a pass, and a probe some dozens of them."""
    begin = time.monotonic()
    probe = take_probe(model_of(Slow()), Batches(*data), budget_seconds=4, epochs=100)
    assert time.monotonic() - begin < 12
    assert probe.gradients is not None
    assert probe.trials is not None


def test_a_fixed_batch_size_is_kept(data):
    probe = take_probe(
        model_of(Slow(), batch_size=128), Batches(*data), budget_seconds=2
    )
    assert probe.gradients is not None
    assert probe.raised == {}


class Batches(keras.utils.PyDataset):
    """All as one batch."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.x, self.y
