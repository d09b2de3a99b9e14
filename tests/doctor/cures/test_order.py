"""Cures of the order and size of batches lose no sample."""

import numpy as np

from residency.doctor.cures import order

BATCHES = [
    (np.arange(n, n + 64, dtype="float32")[:, None], np.full(64, n // 64), None)
    for n in (0, 64, 128)
]


def test_shuffling_deals_the_same_rows_into_batches_of_the_same_size(
    dense, case_of, suspect
):
    case = case_of(dense(), np.zeros((12, 4), "float32"), np.arange(12) % 3)
    cure = order.shuffled(suspect("data_not_shuffled"), case)
    dealt = cure.arrange(BATCHES, np.random.default_rng(0))
    assert [len(y) for _, y, _ in dealt] == [64, 64, 64]
    assert all(len(np.unique(y)) == 3 for _, y, _ in dealt)
    rows = np.concatenate([np.stack([x[:, 0] // 64, y]) for x, y, _ in dealt], axis=1)
    np.testing.assert_array_equal(rows[0], rows[1])
    together = np.concatenate([x for x, _, _ in dealt])[:, 0]
    np.testing.assert_array_equal(np.sort(together), np.arange(192))


def test_fixed_members_are_not_tried(dense, case_of, suspect):
    case = case_of(dense(), np.zeros((12, 4), "float32"), np.arange(12) % 3)
    assert order.shuffled(suspect("data_not_shuffled", same_batches=4), case) is None


def test_large_batches_are_cut_in_order_for_as_many_updates_as_planned(
    dense, case_of, suspect
):
    case = case_of(dense(), np.zeros((64, 4), "float32"), np.zeros(64, int), batch=64)
    cure = order.smaller_batches(suspect("batch_size_bad", updates=3), case)
    cut = cure.arrange(BATCHES, np.random.default_rng(0))
    assert [len(y) for _, y, _ in cut] == [32] * 6
    np.testing.assert_array_equal(np.concatenate([x for x, _, _ in cut])[5], [5])
    assert cure.steps == 3


def test_small_batches_are_left(dense, case_of, suspect):
    case = case_of(dense(), np.zeros((64, 4), "float32"), np.zeros(64, int))
    assert order.smaller_batches(suspect("batch_size_bad"), case) is None
