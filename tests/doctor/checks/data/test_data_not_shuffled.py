import numpy as np
import pytest

from residency.doctor.checks.data import data_not_shuffled

run = data_not_shuffled.CHECK.run


def rows(count, classes=4):
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 6)).astype("float32"), rng.integers(
        0, classes, count
    )


def test_sorted_classes_are_found(probe_of, batches):
    x, y = rows(256)
    order = np.argsort(y, kind="stable")
    (found,) = run(probe_of(batches(x[order], y[order], shuffle=False)))
    assert found.severity == "warning"
    assert found.evidence["equal_pairs"] > 0.9


def test_a_small_buffer_over_sorted_files_is_found(probe_of, batches):
    x, y = rows(512)
    order = list(np.argsort(y, kind="stable"))
    rng, out = np.random.default_rng(1), []
    while order:
        out.append(order.pop(rng.integers(min(40, len(order)))))
    (found,) = run(probe_of(batches(x[out], y[out], shuffle=False)))
    assert "sorted by class" in found.title


def test_fixed_members_are_found(probe_of, batches):
    (found,) = run(probe_of(batches(*rows(256), shuffle=False)))
    assert "members" in found.title


@pytest.mark.parametrize("classes", [2, 4, 40])
def test_random_order_is_silent(probe_of, batches, classes):
    assert run(probe_of(batches(*rows(256, classes)), units=classes)) == []


def test_balanced_batches_are_silent(probe_of, batches):
    x, _ = rows(256)
    assert run(probe_of(batches(x, np.arange(256) % 4))) == []


def test_arrays_are_silent(probe_of):
    x, y = rows(256)
    order = np.argsort(y)
    assert run(probe_of((x[order], y[order]))) == []
