import numpy as np
import pytest
from keras import layers

from residency.doctor.checks.model.head import read_head
from residency.doctor.checks.model.targets import read_targets

NUMBERS = np.arange(60)
KINDS = [
    (NUMBERS % 2, "binary", 2),
    (NUMBERS % 2 * 2 - 1, "signs", 2),
    (NUMBERS % 4, "classes", 4),
    ((NUMBERS % 4).reshape(-1, 1).astype("float32"), "classes", 4),
    (np.eye(5)[NUMBERS % 5], "one_hot", 5),
    (0.9 * np.eye(5)[NUMBERS % 5] + 0.02, "soft", 5),
    (np.eye(5)[NUMBERS % 5] + np.eye(5)[(NUMBERS + 1) % 5], "multi_hot", 0),
    (np.sin(NUMBERS), "real", 0),
    (NUMBERS * 7, "real", 0),
    (np.stack([np.sin(NUMBERS), NUMBERS], axis=1), "real", 0),
    (np.zeros((60, 4, 4, 1)), "maps", 0),
]


@pytest.mark.parametrize(("y", "kind", "classes"), KINDS)
def test_labels_tell_what_they_are(probe_of, table, y, kind, classes):
    x, _ = table(count=60)
    targets = read_targets(probe_of([layers.Dense(5)], (x, y), "mse"))
    assert (targets.kind, targets.exclusive_classes) == (kind, classes)
    assert (targets.count, targets.shape) == (60, y.shape[1:])


def test_a_label_for_each_step(probe_of):
    x = np.random.default_rng(0).integers(0, 9, (32, 6))
    probe = probe_of([layers.Embedding(9, 4), layers.Dense(3)], (x, x % 3))
    assert read_targets(probe, read_head(probe)).kind == "maps"


def test_the_classes_of_validation_count(probe_of, table):
    x, y = table()
    few = y < 2
    data = (x[few], y[few] * 2)
    probe = probe_of([layers.Dense(9)], data, validation=(x, y * 3))
    assert read_targets(probe).numbers == (0, 2, 3, 6)
