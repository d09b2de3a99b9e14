"""The gradient of a convolution's kernel against float64 arithmetic by torch."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from residency.engine.native.convolution import (
    Conv2d,
    _trouble,
    output_shape,
    unavailable,
    usable,
    weight_gradient,
)

from .draws import draw_narrow as draw

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

SIDES = st.integers(1, 12)


def exact_gradients(x, dy, shape, stride, padding):
    weight = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(shape[0], dtype=torch.float64, requires_grad=True)
    y = functional.conv2d(x.double(), weight, bias, stride, padding)
    return torch.autograd.grad(y, [weight, bias], dy.double())


def assert_exact(batch, size, channels, filters, kernel, stride, padding):
    x = draw(batch, channels, *size)
    weight = draw(filters, channels, *kernel, seed=1)
    dy = functional.conv2d(x, weight, None, stride, padding)
    found = weight_gradient(x, dy, weight.shape, stride, padding, True)
    expected = exact_gradients(x, dy, weight.shape, stride, padding)
    for ours, theirs in zip(found, expected, strict=True):
        atol = 2e-6 * float(theirs.abs().max()) * max(1, x[:, 0].numel()) ** 0.5
        torch.testing.assert_close(ours.double(), theirs, rtol=0, atol=atol)


@given(
    batch=st.integers(1, 5),
    size=st.tuples(SIDES, SIDES),
    channels=st.integers(1, 70),
    filters=st.integers(1, 40),
    kernel=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    stride=st.integers(1, 3),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
@example(1, (1, 1), 1, 1, (1, 1), 1, (0, 0))
@example(3, (7, 7), 80, 24, (1, 1), 1, (0, 0))  # a flat image that ends early
@example(2, (5, 5), 16, 8, (1, 1), 1, (1, 1))  # a pointwise one with zeros around
@example(4, (9, 9), 64, 16, (1, 1), 2, (0, 0))  # rows that no output takes
@example(2, (3, 3), 16, 16, (5, 5), 1, (2, 2))  # a kernel larger than the image
@settings(max_examples=150, deadline=None)
def test_any_geometry(batch, size, channels, filters, kernel, stride, padding):
    if any(s + 2 * p < k for s, p, k in zip(size, padding, kernel, strict=True)):
        return
    assert_exact(batch, size, channels, filters, kernel, stride, padding)


@pytest.mark.parametrize(
    ("batch", "side", "channels", "filters", "kernel", "stride"),
    [
        (8, 32, 16, 16, 3, 1),  # several parts an image
        (4, 20, 200, 200, 3, 1),  # large sums: threads share the channels
        (2, 7, 520, 700, 1, 1),
        (2, 9, 300, 300, 3, 2),
    ],
)
@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_any_number_of_threads(batch, side, channels, filters, kernel, stride, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        pad = kernel // 2
        square = (kernel, kernel)
        size = (side, side)
        assert_exact(batch, size, channels, filters, square, stride, (pad, pad))
    finally:
        torch.set_num_threads(before)


def test_the_same_from_run_to_run():
    x, dy = draw(16, 32, 16, 16), draw(16, 32, 16, 16, seed=1)
    found = [weight_gradient(x, dy, (32, 32, 3, 3), 1, (1, 1))[0] for _ in range(3)]
    assert all(torch.equal(found[0], each) for each in found[1:])


GEOMETRIES = {
    "3x3": (3, 2, (1, 1)),
    "1x1": (1, 1, (0, 0)),
    "1x1, strided": (1, 2, (0, 0)),
    "1x1, strided, with zeros": (1, 3, (1, 2)),
}


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_all_gradients(has_bias, dtype, geometry):
    side, *geometry = GEOMETRIES[geometry]
    x, weight = draw(3, 20, 9, 8), draw(12, 20, side, side, seed=1).to(dtype)
    bias = draw(12, seed=2).to(dtype) if has_bias else None
    ours = [
        None if t is None else t.clone().requires_grad_() for t in (x, weight, bias)
    ]
    theirs = [None if t is None else t.detach().double().requires_grad_() for t in ours]
    y = Conv2d.apply(*ours, *geometry)
    exact = functional.conv2d(*theirs, *geometry)
    dy = draw(*y.shape, seed=3)
    y.backward(dy)
    exact.backward(dy.double())
    torch.testing.assert_close(y.double(), exact, rtol=1e-2, atol=1e-2)
    for a, b in zip(ours, theirs, strict=True):
        if a is not None:
            assert a.grad.dtype == a.dtype
            scale = float(b.grad.abs().max())
            torch.testing.assert_close(
                a.grad.double(), b.grad, rtol=0, atol=1e-2 * scale
            )


def test_a_gradient_may_come_in_any_layout():
    x, weight = draw(2, 16, 6, 6), draw(8, 16, 3, 3, seed=1).requires_grad_()
    Conv2d.apply(x, weight, None, 1, (1, 1)).sum().backward()  # one number, expanded
    expected = exact_gradients(x, torch.ones(2, 8, 6, 6), weight.shape, 1, (1, 1))[0]
    torch.testing.assert_close(weight.grad.double(), expected, rtol=1e-2, atol=1e-2)


def test_gradients_of_gradients():
    x, weight = draw(2, 16, 5, 5), draw(4, 16, 3, 3, seed=1)
    found = []
    for run in (
        lambda x, w: Conv2d.apply(x, w, None, 1, (1, 1)),
        lambda x, w: functional.conv2d(x, w, None, 1, (1, 1)),
    ):
        a, w = x.clone().requires_grad_(), weight.clone().requires_grad_()
        [dw] = torch.autograd.grad(run(a, w).square().sum(), [w], create_graph=True)
        found.append(torch.autograd.grad(dw.square().sum(), [a])[0])
    torch.testing.assert_close(*found)


def test_nan_reaches_the_gradients_it_belongs_to():
    x, dy = draw(1, 16, 4, 4), draw(1, 8, 4, 4, seed=1)
    x[0, 3] = torch.nan
    found, _ = weight_gradient(x, dy, (8, 16, 1, 1), 1, (0, 0))
    assert found[:, 3].isnan().all()
    assert found.isnan().sum() == 8


def test_where_it_is_used():
    x, kernel = torch.zeros(1, 4, 4, 16), torch.zeros(3, 3, 16, 8, requires_grad=True)
    assert not usable(x, kernel)  # float32 is wanted
    narrow = kernel.detach().bfloat16().requires_grad_()
    assert usable(x.bfloat16(), narrow)
    assert not usable(x.bfloat16(), narrow.detach())  # a frozen kernel
    with torch.autocast("cpu", torch.bfloat16):
        assert usable(x, kernel)
        assert not usable(x.double(), kernel)
        assert not usable(x[:0], kernel)
        assert not usable(x, kernel[:, :, :3])  # the first layer
        with torch.no_grad():
            assert not usable(x, kernel)


@given(
    size=st.tuples(SIDES, SIDES),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.integers(1, 3),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_the_shape_of_a_result(size, kernel, stride, padding):
    if any(s + 2 * p < k for s, p, k in zip(size, padding, kernel, strict=True)):
        return
    x, weight = torch.zeros(2, 3, *size), torch.zeros(*kernel, 3, 5)
    y = functional.conv2d(x, weight.permute(3, 2, 0, 1), None, stride, padding)
    found = output_shape(x.shape, weight.shape, stride, padding)
    assert found == tuple(y.permute(0, 2, 3, 1).shape)


def test_another_default_device_changes_nothing():
    x, dy = draw(1, 16, 4, 4), draw(1, 8, 4, 4, seed=1)
    expected = weight_gradient(x, dy, (8, 16, 1, 1), 1, (0, 0))[0]
    with torch.device("meta"):
        found = weight_gradient(x, dy, (8, 16, 1, 1), 1, (0, 0))[0]
        assert _trouble() is None
    assert torch.equal(found, expected)
