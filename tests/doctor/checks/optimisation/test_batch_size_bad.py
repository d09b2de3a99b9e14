"""Few updates of large batches; statistics of few images; single samples."""

import keras
import numpy as np
import pytest

from residency.doctor.checks.optimisation.batch_size_bad import check
from residency.doctor.probe import take_probe


def data(count):
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 8)).astype("float32"), np.arange(count) % 4


class Batches(keras.utils.PyDataset):
    def __init__(self, count, size):
        super().__init__()
        self.x, self.y, self.size = *data(count), size

    def __len__(self):
        return -(-len(self.y) // self.size)

    def __getitem__(self, index):
        part = slice(index * self.size, (index + 1) * self.size)
        return self.x[part], self.y[part]


def probe(count, size, *, epochs=5, norm=False, trainable=True):
    layers = [keras.layers.BatchNormalization(trainable=trainable)] if norm else []
    model = keras.Sequential(
        [keras.Input((8,)), *layers, keras.layers.Dense(4, activation="softmax")]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return take_probe(model, Batches(count, size), epochs=epochs, trials=False)


@pytest.mark.parametrize(
    ("count", "size", "epochs"), [(1200, 600, 5), (128, 128, 10), (2048, 512, 20)]
)
def test_finds_few_updates(count, size, epochs):
    (found,) = check(probe(count, size, epochs=epochs))
    assert (found.label, found.severity) == ("batch_size_bad", "warning")


@pytest.mark.parametrize(
    ("count", "size", "epochs"),
    [(1200, 600, 200), (160, 32, 5), (4096, 256, 10), (48, 48, 20)],
    ids=["long", "small batches, few epochs", "usual", "tiny data"],
)
def test_near_misses(count, size, epochs):
    assert check(probe(count, size, epochs=epochs)) == []


def test_a_short_plan_that_learns_is_fine(with_trials):
    seen = with_trials(probe(1200, 600), np.geomspace(1.4, 0.2, 10), rows=600)
    assert check(seen) == []


@pytest.mark.parametrize("size", [1, 2, 4])
def test_finds_statistics_of_few_images(size):
    (found,) = check(probe(64, size, norm=True))
    assert (found.severity, found.evidence["batch"]) == ("warning", size)


def test_frozen_normalisation_needs_no_batch():
    assert check(probe(64, 4, norm=True, trainable=False)) == []


def test_eight_images_are_enough():
    assert check(probe(64, 8, norm=True)) == []


def test_single_samples_are_advice_until_they_are_seen_to_fail(with_trials):
    single = probe(64, 1)
    assert [f.severity for f in check(single)] == ["advice"]
    stuck = with_trials(single, [1.4, 1.3] * 40, rows=1)
    assert [f.severity for f in check(stuck)] == ["warning"]
