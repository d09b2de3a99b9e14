"""Depthwise convolution in bfloat16 on a CPU, with slow gradients in float32.

Where the kernel strides or is larger than 3x3, oneDNN has no fast gradients in
bfloat16: that of an image of 112x112 pixels and 96 channels took 136 ms, in float32
10 (32 images, two cores with AVX-512).
"""

from typing import Any

import torch

from residency.engine.native import convolution as native
from residency.engine.native.differentiable import gradients_by_torch

LARGE = 9
"""Numbers in a kernel; of a larger one, the gradient is slow in bfloat16, too."""


def convolve(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    strides: Any,
    padding: Any,
) -> torch.Tensor:
    """Returns the convolution of each channel with kernels of its own, in bfloat16.

    Args:
        x: `(batch, channels, height, width)`.
        weight: `(channels * multiplier, 1, height, width)`.
        bias: `(channels * multiplier,)`, or `None`.
        strides: Of rows and of columns.
        padding: Zeros on each side, of rows and of columns.
    """
    run: Any = _DepthwiseConv2d.apply
    return run(x.to(torch.bfloat16), weight, bias, tuple(strides), tuple(padding))


def is_slow(strides: Any, kernel: Any) -> bool:
    """Tells whether oneDNN's gradients in bfloat16 are: see the module."""
    rows, columns = kernel
    return max(strides) > 1 or rows * columns > LARGE


class _DepthwiseConv2d(torch.autograd.Function):
    """`convolve`; the gradients of weight and bias have their dtype."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        strides: tuple[int, int],
        padding: tuple[int, int],
    ) -> torch.Tensor:
        ctx.save_for_backward(x, weight, bias)
        ctx.geometry = strides, padding, x.shape[1]
        return native.convolve(x, weight.to(x.dtype), bias, *ctx.geometry)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        x, weight, bias = given = ctx.saved_tensors
        [dy] = gradients
        needs = ctx.needs_input_grad[:3]
        if torch.is_grad_enabled():  # gradients of these gradients are wanted

            def run(x: Any, weight: Any, bias: Any) -> torch.Tensor:
                return native.convolve(x, weight.to(x.dtype), bias, *ctx.geometry)

            return *gradients_by_torch(run, given, needs, dy), None, None
        return *_derive(dy, x, weight, bias, ctx.geometry, needs), None, None


def _derive(
    dy: torch.Tensor,
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    geometry: tuple[Any, Any, int],
    needs: Any,
) -> tuple[torch.Tensor | None, ...]:
    """Returns the gradients of x, weight and bias, of which are needed."""
    needs_x, *needs_others = needs
    dy = dy.contiguous(memory_format=torch.channels_last)
    shape = None if bias is None else list(bias.shape)
    strides, padding, groups = geometry
    rest = (shape, strides, padding, (1, 1), False, (0, 0), groups)
    run = torch.ops.aten.convolution_backward
    dx = dw = db = None
    if any(needs_others):
        large = weight[0].numel() > LARGE
        dtype = torch.float32 if large else x.dtype
        given = (each.to(dtype) for each in (dy, x, weight))
        _, dw, db = run(*given, *rest, (False, *needs_others))
    if needs_x:
        # of it, shape and order in memory count alone
        unread = torch.empty_like(x, dtype=torch.float32)
        given = dy.float(), unread, weight.float()
        dx = run(*given, *rest, (True, False, False))[0].to(x.dtype)
    return (
        dx,
        None if dw is None else dw.to(weight.dtype),
        None if db is None or bias is None else db.to(bias.dtype),
    )
