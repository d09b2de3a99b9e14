"""Convolution and normalization as one, against the two after each other."""

import math

import pytest
import torch

from residency.engine.native.batch_norm import BatchNorm, unavailable
from residency.engine.native.convolution import Conv2d
from residency.engine.native.normalized import NormalizedConv2d

from .draws import draw

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

GEOMETRY = 1, (1, 1)


@pytest.fixture(params=["plain", "bias", "residual", "fixed", "float32"])
def given(request):
    """x, kernel, bias, gamma, beta, residual; of which some are missing."""
    dtype = torch.float32 if request.param == "float32" else torch.bfloat16
    wide = draw(12, 3, 3, 20, seed=1).permute(1, 2, 3, 0)  # as lowering lays it out
    bias = draw(12, seed=2) if request.param == "bias" else None
    residual = draw(3, 7, 6, 12, seed=3).to(dtype)
    return [
        draw(3, 7, 6, 20).to(dtype),
        wide,
        bias,
        *([None, None] if request.param == "fixed" else [draw(12, seed=4).exp()] * 2),
        residual if request.param not in ("plain", "bias") else None,
    ]


def one_after_the_other(x, kernel, bias, gamma, beta, residual, numbers, moving=None):
    weight = kernel.permute(3, 2, 0, 1)
    z = Conv2d.apply(x.permute(0, 3, 1, 2), weight, bias, *GEOMETRY)
    given = gamma, beta, residual, moving
    return BatchNorm.apply(z.permute(0, 2, 3, 1), *given, *numbers)


def as_one(*given, numbers, moving=None, twice=False):
    return NormalizedConv2d.apply(*given, moving, GEOMETRY, numbers, twice)


CUTS = {
    "nothing": (1e-3, 1.0, math.inf),
    "relu": (1e-3, 0.0, math.inf),
    "relu6": (1e-3, 0.0, 0.75),
    "leaky": (1e-3, 0.1, math.inf),
}


def fresh(given):
    return [None if t is None else t.detach().clone().requires_grad_() for t in given]


@pytest.mark.parametrize("numbers", CUTS.values(), ids=CUTS)
def test_results_and_gradients_are_those_of_the_two(given, numbers):
    both = []
    for run in (one_after_the_other, as_one):
        mine = fresh(given)
        moving = torch.zeros(12), torch.ones(12), 0.9
        y = run(*mine, numbers=numbers, moving=moving)
        y.backward(draw(*y.shape, seed=5).to(y.dtype))
        both.append([y, *moving[:2], *(t.grad for t in mine if t is not None)])
    for theirs, ours in zip(*both, strict=True):
        assert torch.equal(theirs, ours)


def test_a_graph_that_is_kept_gives_the_same_again(given):
    mine = fresh(given)
    y = as_one(*mine, numbers=CUTS["relu"])
    wanted = [t for t in mine if t is not None]
    once = torch.autograd.grad(y.sum(), wanted, retain_graph=True)
    again = torch.autograd.grad(y.sum(), wanted)
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))


def test_gradients_of_gradients(given):
    both = []
    for run in (one_after_the_other, as_one):
        mine = fresh(given)
        y = run(*mine, numbers=CUTS["leaky"])
        weights = draw(*y.shape, seed=6).to(y.dtype)
        [dk] = torch.autograd.grad((y * weights).sum(), mine[1:2], create_graph=True)
        both.append(torch.autograd.grad(dk.square().sum(), mine[:1])[0])
    torch.testing.assert_close(*both, rtol=2e-2, atol=2e-2 * float(both[0].abs().max()))


def test_what_was_added_is_not_kept():
    x, kernel = draw(2, 5, 5, 16), draw(16, 3, 3, 16).permute(1, 2, 3, 0)
    added = draw(2, 5, 5, 16).requires_grad_()
    y = as_one(x, kernel, None, None, None, added, numbers=CUTS["relu"])
    kept = {t.data_ptr() for t in y.grad_fn.saved_tensors if t is not None}
    assert x.data_ptr() in kept
    assert added.data_ptr() not in kept


@pytest.mark.parametrize("wanted", [{0}, {1}, {2}, {3}, {5}, {1, 4}])
def test_only_what_is_wanted_gets_a_gradient(given, wanted):
    wanted = {n for n in wanted if given[n] is not None} or {1}
    both = []
    for run in (one_after_the_other, as_one):
        mine = fresh(given)
        for n, each in enumerate(mine):
            if each is not None:
                each.requires_grad_(n in wanted)
        y = run(*mine, numbers=CUTS["relu"])
        y.sum().backward()
        both.append([None if each is None else each.grad for each in mine])
        assert {n for n, grad in enumerate(both[-1]) if grad is not None} == wanted
    for n in wanted:
        assert torch.equal(both[0][n], both[1][n])


def test_gradients_may_be_kept_first_and_taken_then(given):
    mine = fresh(given)
    expected = torch.autograd.grad(as_one(*mine, numbers=CUTS["relu"]).sum(), mine[:2])
    y = as_one(*mine, numbers=CUTS["relu"])
    torch.autograd.grad(y.sum(), mine[:2], create_graph=True)
    found = torch.autograd.grad(y.sum(), mine[:2])
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))


def test_gradients_of_images_can_be_added_to_in_place():
    """No view of another tensor: autograd adds the second of two readers to it."""
    x = draw(2, 5, 5, 16).bfloat16().requires_grad_()
    seen = []
    x.register_hook(seen.append)
    kernel = draw(8, 3, 3, 16, seed=1).permute(1, 2, 3, 0).requires_grad_()
    y = as_one(x, kernel, None, None, None, None, numbers=CUTS["relu"])
    y.sum().backward()
    assert seen[0]._base is None
    assert kernel.grad._base is None


@pytest.mark.parametrize("numbers", CUTS.values(), ids=CUTS)
def test_gradients_of_two_readers_are_added_up(given, numbers):
    both = []
    for twice in (False, True):
        mine = fresh(given)
        y = as_one(*mine, numbers=numbers, twice=twice)
        first, second = y if twice else (y, y)
        assert torch.equal(first, second)
        assert first.data_ptr() == second.data_ptr()
        weights = [draw(*first.shape, seed=n).to(first.dtype) for n in (5, 6)]
        total = (first * weights[0]).sum() + (second * weights[1]).sum()
        both.append(torch.autograd.grad(total, [t for t in mine if t is not None]))
    slope = numbers[1]
    for theirs, ours in zip(*both, strict=True):
        # a slope is applied to the sum before it is rounded, or after
        close = 0.0 if slope in (0.0, 1.0) else 2e-2 * float(theirs.abs().max())
        torch.testing.assert_close(ours, theirs, rtol=0, atol=close)


@pytest.mark.parametrize("reader", [0, 1])
@pytest.mark.parametrize("create_graph", [False, True])
def test_one_of_two_readers_may_ask_for_nothing(given, reader, create_graph):
    both = []
    for twice in (False, True):
        mine = fresh(given)
        y = as_one(*mine, numbers=CUTS["relu"], twice=twice)
        y = y[reader] if twice else y
        wanted = [t for t in mine if t is not None]
        both.append(torch.autograd.grad(y.sum(), wanted, create_graph=create_graph))
    assert all(torch.equal(a, b) for a, b in zip(*both, strict=True))


def test_two_readers_have_gradients_of_gradients(given):
    both = []
    for twice in (False, True):
        mine = fresh(given)
        y = as_one(*mine, numbers=CUTS["leaky"], twice=twice)
        first, second = y if twice else (y, y)
        weights = draw(*first.shape, seed=6).to(first.dtype)
        total = (first * weights).sum() + second.square().sum()
        [dk] = torch.autograd.grad(total, mine[1:2], create_graph=True)
        both.append(torch.autograd.grad(dk.square().sum(), mine[:1])[0])
    assert torch.equal(*both)


@pytest.mark.parametrize("twice", [False, True])
def test_a_reader_without_a_gradient_gives_none(given, twice):
    class Nothing(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *given):
            return given[0].sum()

        @staticmethod
        def backward(ctx, *gradients):
            return (None,) * (1 + twice)

    mine = fresh(given)
    y = as_one(*mine, numbers=CUTS["relu"], twice=twice)
    Nothing.apply(*(y if twice else (y,))).backward()
    assert all(each is None or each.grad is None for each in mine)
