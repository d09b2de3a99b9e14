"""Depthwise convolution in bfloat16 against float64 arithmetic by torch."""

import keras
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keras import layers
from torch.nn import functional

from residency.engine.lowering import depthwise, lower

SIDES = st.integers(1, 12)
PAIRS = st.tuples(st.integers(1, 5), st.integers(1, 5))


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator).bfloat16()


@given(
    batch=st.integers(1, 3),
    size=st.tuples(SIDES, SIDES),
    channels=st.integers(1, 20),
    multiplier=st.integers(1, 3),
    kernel=PAIRS,
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
    has_bias=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_all_gradients_of_any_geometry(
    batch, size, channels, multiplier, kernel, strides, padding, dtype, has_bias
):
    padded = [side + 2 * zeros for side, zeros in zip(size, padding, strict=True)]
    assume(padded[0] >= kernel[0] and padded[1] >= kernel[1])
    x = draw(batch, channels, *size)
    weight = draw(channels * multiplier, 1, *kernel, seed=1).to(dtype)
    bias = draw(channels * multiplier, seed=2).to(dtype) if has_bias else None
    ours = [None if t is None else t.requires_grad_() for t in (x, weight, bias)]
    theirs = [None if t is None else t.detach().double().requires_grad_() for t in ours]
    y = depthwise.convolve(*ours, strides, padding)
    exact = functional.conv2d(*theirs, strides, padding, 1, channels)
    dy = draw(*y.shape, seed=3)
    y.backward(dy)
    exact.backward(dy.double())
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.double(), exact, rtol=1e-2, atol=3e-2)
    for a, b in zip(ours, theirs, strict=True):
        if a is not None:
            assert a.grad.dtype == a.dtype
            scale = float(b.grad.abs().max())
            error = float((a.grad.double() - b.grad).abs().max())
            assert error <= 1e-2 * scale


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_only_what_is_needed(frozen):
    given_ = [draw(2, 4, 6, 6), draw(4, 1, 3, 3, seed=1), draw(4, seed=2)]
    for n, tensor in enumerate(given_):
        tensor.requires_grad_(n != frozen)
    depthwise.convolve(*given_, (2, 2), (1, 1)).sum().backward()
    assert [t.grad is None for t in given_] == [n == frozen for n in range(3)]


def test_gradients_of_gradients():
    found = []
    for run in (
        lambda x, w: depthwise.convolve(x, w, None, (2, 2), (1, 1)),
        lambda x, w: functional.conv2d(x, w, None, 2, 1, 1, 4),
    ):
        x, w = draw(2, 4, 5, 5).requires_grad_(), draw(4, 1, 3, 3).requires_grad_()
        [dw] = torch.autograd.grad(run(x, w).square().sum(), [w], create_graph=True)
        found.append(torch.autograd.grad(dw.square().sum(), [x])[0])
    torch.testing.assert_close(*found)


USED = {
    "strided": (layers.DepthwiseConv2D(3, strides=2, padding="same"), True),
    "large": (layers.DepthwiseConv2D(5, padding="same"), True),
    "separable": (layers.SeparableConv2D(8, 3, strides=2), True),
    "small": (layers.DepthwiseConv2D(3, padding="same"), False),
    "dilated": (layers.DepthwiseConv2D(5, dilation_rate=2), False),
}


@pytest.mark.parametrize("narrow", [True, False])
@pytest.mark.parametrize("kind", USED)
def test_where_it_is_used(kind, narrow, monkeypatch):
    layer, used = USED[kind]
    layer = type(layer).from_config(layer.get_config())
    inputs = keras.Input((12, 12, 8))
    lowered = lower(keras.Model(inputs, layer(inputs)))
    seen = []
    real = depthwise.convolve

    def noted(*given):
        seen.append(given)
        return real(*given)

    monkeypatch.setattr(depthwise, "convolve", noted)
    with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
        images = torch.randn(2, 12, 12, 8)
        y = lowered(images, training=True)
        with torch.no_grad():
            lowered(images)
    assert len(seen) == (used and narrow)
    assert y.dtype == torch.float32  # what the Keras model gives
