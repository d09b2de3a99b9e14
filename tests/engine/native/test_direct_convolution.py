"""Convolutions of few channels against float64 arithmetic by torch."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from residency.engine.native.convolution import Conv2d
from residency.engine.native.direct_convolution import (
    LIBRARY,
    _trouble,
    convolve,
    is_faster,
    unavailable,
)

from .draws import draw_narrow as draw

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

SIDES = st.integers(1, 20)


def assert_exact(batch, size, channels, filters, kernel, padding, biased):
    x = draw(batch, channels, *size)
    weight = draw(filters, channels, *kernel, seed=1)
    bias = draw(filters, seed=2) if biased else None
    wide = None if bias is None else bias.double()
    exact = functional.conv2d(x.double(), weight.double(), wide, 1, padding)
    assert_rounded(convolve(x, weight, bias, padding), exact)
    dy = draw(*exact.shape, seed=3)
    exact = functional.conv_transpose2d(dy.double(), weight.double(), None, 1, padding)
    assert_rounded(convolve(dy, weight, None, padding, turned=True), exact)


def assert_rounded(found, exact):
    """Float32 sums, then bfloat16: half of its last digit, and a little."""
    assert found.shape == exact.shape
    assert found.is_contiguous(memory_format=torch.channels_last)
    slack = 1e-5 * float(exact.abs().max())
    torch.testing.assert_close(found.double(), exact, rtol=2**-8, atol=slack)


@given(
    batch=st.integers(1, 5),
    size=st.tuples(SIDES, SIDES),
    channels=st.sampled_from([16, 32, 48]),
    filters=st.sampled_from([16, 32, 48]),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    padding=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    biased=st.booleans(),
)
@example(1, (1, 1), 16, 16, (1, 1), (0, 0), False)
@example(2, (3, 3), 16, 32, (5, 5), (4, 4), True)  # a kernel larger than the image
@example(1, (20, 9), 32, 16, (3, 3), (1, 1), True)  # rows in two parts
@settings(max_examples=100, deadline=None)
def test_any_geometry(batch, size, channels, filters, kernel, padding, biased):
    padding = tuple(min(p, k - 1) for p, k in zip(padding, kernel, strict=True))
    if any(s + 2 * p < k for s, p, k in zip(size, padding, kernel, strict=True)):
        return
    assert_exact(batch, size, channels, filters, kernel, padding, biased)


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_threads_do_not_change_the_result(threads):
    x, weight = draw(3, 16, 33, 10), draw(16, 16, 3, 3, seed=1)
    before = torch.get_num_threads()
    alone = convolve(x, weight, None, (1, 1))
    torch.set_num_threads(threads)
    try:
        assert torch.equal(convolve(x, weight, None, (1, 1)), alone)
    finally:
        torch.set_num_threads(before)


def test_an_infinite_number_reaches_only_its_neighbours():
    x = torch.zeros(1, 16, 5, 5).bfloat16()
    x[0, 3, 1, 1] = torch.inf
    weight = torch.ones(16, 16, 3, 3).bfloat16()
    y = convolve(x, weight, None, (1, 1))
    assert y[:, :, :3, :3].isinf().all()
    assert (y[:, :, 3:] == 0).all()
    assert (y[:, :, :, 3:] == 0).all()


@pytest.mark.parametrize(
    ("shape", "stride", "padding", "faster"),
    [
        ((16, 16, 3, 3), 1, (1, 1), True),
        ((32, 16, 3, 3), 1, (0, 0), True),
        ((16, 16, 3, 3), 2, (1, 1), False),
        ((16, 16, 3, 3), 1, (3, 1), False),
        ((16, 16, 5, 5), 1, (2, 2), False),
        ((16, 16, 3, 3), 1, (0, 0), True),
        ((16, 3, 3, 3), 1, (1, 1), False),
        ((24, 16, 3, 3), 1, (1, 1), False),
        ((64, 16, 3, 3), 1, (1, 1), False),
        ((16, 16, 1, 1), 1, (0, 0), False),
    ],
)
def test_others_are_left_to_torch(shape, stride, padding, faster):
    x, weight = draw(2, shape[1], 6, 6), draw(*shape)
    assert is_faster(x, weight, stride, padding) is faster
    assert not is_faster(x.float(), weight, stride, padding)


def test_a_kernel_larger_than_the_image_is_torchs_to_refuse():
    x, weight = draw(2, 16, 2, 2), draw(16, 16, 3, 3)
    assert not is_faster(x, weight, 1, (0, 0))
    with pytest.raises(RuntimeError, match="Kernel size"):
        Conv2d.apply(x.requires_grad_(), weight, None, 1, (0, 0))


def test_gradients_of_gradients():
    found = []
    for dtype in (torch.bfloat16, torch.float64):
        x, weight = draw(2, 16, 6, 6).to(dtype), draw(16, 16, 3, 3, seed=1).to(dtype)
        x, weight = x.requires_grad_(), weight.requires_grad_()
        if dtype == torch.bfloat16:
            y = Conv2d.apply(x, weight, None, 1, (1, 1))
        else:
            y = functional.conv2d(x, weight, None, 1, 1)
        [dx] = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        found.append(torch.autograd.grad(dx.square().sum(), [x, weight]))
    for ours, exact in zip(*found, strict=True):
        atol = 2e-2 * float(exact.abs().max())
        torch.testing.assert_close(ours.double(), exact, rtol=0, atol=atol)


def test_it_runs_forward_and_backward_in_a_convolution(monkeypatch):
    runs = []
    run = LIBRARY.run
    monkeypatch.setattr(LIBRARY, "run", lambda *given: runs.append(run(*given)))
    x, weight = draw(2, 16, 6, 6).requires_grad_(), draw(32, 16, 3, 3).float()
    y = Conv2d.apply(x, weight.requires_grad_(), None, 1, (1, 1))
    y.backward(draw(*y.shape, seed=1))
    assert len(runs) == 2


def test_the_comparison_at_load_works_where_gradients_are_off():
    with torch.inference_mode():
        assert _trouble() is None


def test_the_comparison_at_load_sees_a_wrong_result(monkeypatch):
    nothing = torch.Tensor.new_empty
    made = lambda *given, **named: nothing(*given, **named).fill_(torch.nan)  # noqa: E731
    monkeypatch.setattr(torch.Tensor, "new_empty", made)
    monkeypatch.setattr(LIBRARY, "run", lambda *given: None)
    assert "differ" in (_trouble() or "")
