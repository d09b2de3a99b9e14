"""What is said to be the largest number is no smaller than the largest."""

import math

import pytest
import torch

from residency.engine.lowering.bounds import (
    FAR,
    bound_of,
    keep_bound,
    largest_sum,
    measured_bound,
    with_bound,
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_look_finds_no_less_than_the_largest(dtype):
    x = torch.randn(3, 5, 7, 2).to(dtype)
    assert float(x.abs().max()) <= measured_bound(x, math.inf) * 1.01 < 100
    x[1, 2, 3, 0] = math.nan
    assert math.isnan(measured_bound(x, math.inf))


def test_what_is_known_to_be_small_is_not_looked_at():
    assert measured_bound(torch.tensor(math.nan), 7.0) == 7.0


def test_a_look_is_kept_for_the_next_reader():
    x = torch.ones(4)
    assert bound_of(x) == math.inf
    measured_bound(x, math.inf)
    assert bound_of(x) == math.inf  # it may be the user's, who may write to it
    keep_bound(x, FAR)
    assert measured_bound(x, bound_of(x)) == bound_of(x) == 2.0


def test_the_largest_sum_is_that_of_the_worst_image():
    weight = torch.randn(4, 3, 2, 2)
    worst = weight.sign()[:, None]  # an image for each output
    sums = (weight * worst[:, 0]).sum(dim=(1, 2, 3))
    assert largest_sum(weight) == pytest.approx(float(sums.max()))


def test_a_call_passes_on_the_sum_of_what_it_takes():
    x, y = torch.ones(2), torch.ones(2)
    keep_bound(x, 2.0)
    add = with_bound(lambda *xs, training: xs[0] + xs[1])
    assert bound_of(add(x, y, training=False)) == math.inf
    keep_bound(y, 3.0)
    assert bound_of(add(x, y, training=False)) == 5.0
