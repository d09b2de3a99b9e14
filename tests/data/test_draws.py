"""The hash behind order and augmentation behaves like independent uniforms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from residency.data.draws import permutation, uniforms

N = 100_000
PINNED = [
    0.9631162037417659,
    0.19074652858347307,
    0.3289132553911269,
    0.8390223248193055,
]
PINNED_ORDER = [1, 7, 0, 2, 6, 5, 3, 4]
words = st.integers(-(2**40), 2**40)


@settings(max_examples=30)
@given(words, st.integers(0, 10**6), st.integers(0, 50))
def test_draws_do_not_depend_on_their_company(seed, epoch, stream):
    indices = np.array([5, 0, 17, 5, 123_456_789])
    together = uniforms(seed, epoch, indices, stream, 4)
    for row, index in zip(together, indices, strict=True):
        assert (uniforms(seed, epoch, np.array([index]), stream, 4) == row).all()
        assert (uniforms(seed, epoch, np.array([index]), stream, 2) == row[:2]).all()
    assert together.min() >= 0
    assert together.max() < 1


def test_pinned_values():
    """A change here changes every augmentation: never by accident."""
    drawn = uniforms(7, 3, np.array([0, 1]), stream=2, count=2)
    assert drawn.tolist() == [PINNED[:2], PINNED[2:]]
    assert permutation(7, 3, 8).tolist() == PINNED_ORDER


@pytest.mark.parametrize("column", [0, 1, 21])
def test_uniform_to_four_standard_errors(column):
    drawn = uniforms(0, 0, np.arange(N), stream=0, count=22)[:, column]
    assert abs(drawn.mean() - 1 / 2) < 4 * (1 / 12 / N) ** 0.5
    assert abs(drawn.var() - 1 / 12) < 4 * (1 / 180 / N) ** 0.5
    counts = np.bincount((drawn * 81).astype(int), minlength=81)
    chi2 = ((counts - N / 81) ** 2 / (N / 81)).sum()
    assert 33 < chi2 < 140  # 80 degrees of freedom: 80 +- 4.5 standard deviations


def test_no_correlation_between_neighbours():
    base = uniforms(0, 0, np.arange(N + 1), stream=0, count=2)
    one = base[:-1, 0]
    others = {
        "index": base[1:, 0],
        "draw": base[:-1, 1],
        "epoch": uniforms(0, 1, np.arange(N), 0, 1)[:, 0],
        "stream": uniforms(0, 0, np.arange(N), 1, 1)[:, 0],
        "seed": uniforms(1, 0, np.arange(N), 0, 1)[:, 0],
        "seed and epoch": uniforms(1, 1, np.arange(N), 0, 1)[:, 0],
    }
    for what, other in others.items():
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / N**0.5, what


def test_seed_epoch_and_stream_do_not_stand_for_each_other():
    keys = [(1, 2, 3), (2, 1, 3), (3, 2, 1), (1, 3, 2), (0, 0, 6), (-1, 0, 0)]
    drawn = {uniforms(s, e, np.array([0]), t, 1)[0, 0] for s, e, t in keys}
    assert len(drawn) == len(keys)


@settings(max_examples=30)
@given(words, st.integers(0, 1000), st.integers(0, 300))
def test_permutation_has_each_once(seed, epoch, n):
    order = permutation(seed, epoch, n)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(n))


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint8])
def test_numpy_seeds_are_seeds(kind):
    assert (permutation(kind(3), 0, 9) == permutation(3, 0, 9)).all()


def test_every_permutation_is_equally_likely():
    counts = dict.fromkeys(range(24), 0)
    for epoch in range(2400):
        a, b, c, _ = permutation(0, epoch, 4).tolist()
        counts[a * 6 + (b - (b > a)) * 2 + (c > 6 - a - b - c)] += 1
    chi2 = sum((count - 100) ** 2 / 100 for count in counts.values())
    assert 5 < chi2 < 55  # 23 degrees of freedom


def test_neighbouring_epochs_are_unrelated():
    first, second = permutation(0, 0, N), permutation(0, 1, N)
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / N**0.5
    assert (first == second).sum() < 8
    assert abs(np.corrcoef(first, np.arange(N))[0, 1]) < 4 / N**0.5
