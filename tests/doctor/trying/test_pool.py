"""Rows held out, rows trained on."""

import itertools

import numpy as np
import pytest

from residency.doctor.trying.pool import from_place, split, thinned


def batches(size, rows=100):
    x = np.arange(rows)
    return [(x[n : n + size], x[n : n + size], None) for n in range(0, rows, size)]


@pytest.mark.parametrize("size", [1, 7, 32, 100])
def test_each_row_is_on_one_side_and_order_is_kept(size):
    pool = split(batches(size))
    trained = np.concatenate([x for x, _, _ in pool.batches])
    held_out = pool.held_out[0]
    assert (np.diff(trained) > 0).all()
    assert sorted([*trained, *held_out]) == list(range(100))
    assert len(held_out) == 20


def test_sorted_classes_are_held_out_alike():
    x = np.repeat(np.arange(5), 20)
    pool = split([(x[n : n + 20], x[n : n + 20], None) for n in range(0, 100, 20)])
    assert np.bincount(pool.held_out[1]).tolist() == [4] * 5


def test_too_few_rows():
    assert split(batches(4, rows=4)) is None


def test_repeats_start_elsewhere_in_the_same_order():
    taken = list(itertools.islice(from_place(batches(25), 0.5), 5))
    assert [x[0] for x, _, _ in taken] == [50, 75, 0, 25, 50]


def test_less_of_both_from_all_over():
    pool = thinned(split(batches(25)), 8, 4)
    assert [len(x) for x, _, _ in pool.batches] == [8] * 4
    assert pool.held_out[0].tolist() == [4, 34, 69, 99]
