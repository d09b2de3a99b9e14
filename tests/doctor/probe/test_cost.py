"""Slow models get fewer rows; fast ones and fixed sizes keep all."""

import time
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from residency.doctor.probe import cost, take_probe
from residency.doctor.probe.cost import TIMED_ROWS, affordable_rows, cut


class Slow(keras.layers.Layer):
    """Takes a hundredth of a second for each image."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def call(self, x):
        self.rows.append(len(x))
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


def test_rows_follow_from_the_time_of_a_row(data, monkeypatch):
    """10 ms a row forward, so 30 for a gradient: 12 % of 10 s are 40 rows."""
    model, batch = model_of(), (*data, None)

    def rows(looked, budget):
        clock = iter([5.0, 5.0 + 0.01 * TIMED_ROWS])
        fake = SimpleNamespace(monotonic=lambda: next(clock))
        monkeypatch.setattr(cost, "time", fake)
        return affordable_rows(model, batch, looked, budget)

    assert rows(looked=2, budget=10.001) == 40
    assert rows(looked=2, budget=1) == TIMED_ROWS
    assert rows(looked=2, budget=40) is None  # 160 rows: more than there are
    assert rows(looked=0.4, budget=10) is None


def test_cut_leaves_rows_of_all_parts(data):
    x, y = data
    [(a, b, none)] = cut([({"x": x}, y, None)], 5)
    assert np.array_equal(a["x"], x[:5])
    assert np.array_equal(b, y[:5])
    assert none is None
    whole = [(x, y, None)]
    assert cut(whole, 128) is whole


def test_a_slow_model_gets_few_rows_once_it_was_looked_at(data):
    slow = Slow()
    model = model_of(slow)
    slow.rows.clear()  # of building it
    probe = take_probe(model, Batches(*data), budget_seconds=4, epochs=100)
    assert probe.gradients is not None
    assert max(slow.rows) == 32  # of the first look; of 128 in a batch


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
