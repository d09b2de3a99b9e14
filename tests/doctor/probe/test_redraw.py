import numpy as np

from residency.doctor.probe.redraw import compare_reads

X = np.random.default_rng(0).normal(size=(4, 8, 5)).astype("float32")
Y = np.arange(32).reshape(4, 8) % 3


def batches(x, y):
    return [(a, b, None) for a, b in zip(x, y, strict=True)]


def test_equal_reads_are_not_random():
    redraw = compare_reads(batches(X, Y), batches(X[:2], Y[:2]), complete=False)
    assert redraw is not None
    assert not redraw.random
    assert np.array_equal(redraw.first, X[:2].reshape(16, 5))


def test_other_inputs_for_the_same_labels_are_random():
    redraw = compare_reads(batches(X, Y), batches(X + 0.1, Y), complete=False)
    assert redraw is not None
    assert redraw.random


def test_rounding_is_not_random():
    redraw = compare_reads(batches(X, Y), batches(X * (1 + 1e-7), Y), complete=True)
    assert redraw is not None
    assert not redraw.random


def test_another_order_is_told_from_other_inputs():
    order = np.random.default_rng(1).permutation(32)
    x, y = (a.reshape(32, -1)[order].reshape(a.shape) for a in (X, Y))
    redraw = compare_reads(batches(X, Y), batches(x, y), complete=True)
    assert redraw is not None
    assert not redraw.random
    assert redraw.first is None
    assert compare_reads(batches(X, Y), batches(x, y), complete=False) is None
    redraw = compare_reads(batches(X, Y), batches(x + 1, y), complete=True)
    assert redraw is not None
    assert redraw.random


def test_nothing_read_again_is_not_known():
    assert compare_reads(batches(X, Y), [], complete=True) is None
