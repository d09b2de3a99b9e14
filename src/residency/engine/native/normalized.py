"""Convolution, then batch normalization with what follows it, as one function.

What the convolution gives is seen by nobody else: its memory takes the gradient later.
"""

from typing import Any

import torch

from residency.engine.native import batch_norm, convolution
from residency.engine.native.differentiable import gradients_by_torch


class NormalizedConv2d(torch.autograd.Function):
    """`BatchNorm` of `Conv2d`, in bfloat16.

    Takes x, weight, bias, stride and padding of `Conv2d`; gamma, beta, residual,
    epsilon, slope and ceiling of `BatchNorm`, the residual channels last. Returns what
    `BatchNorm` does, `(batch, height, width, channels)`.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        gamma: torch.Tensor | None,
        beta: torch.Tensor | None,
        residual: torch.Tensor | None,
        geometry: tuple[int, tuple[int, int]],
        numbers: tuple[float, float, float],
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Runs both; see the class."""
        narrow = weight.to(x.dtype)
        z = _convolved(x, narrow, bias, geometry)
        y, *statistics = batch_norm.normalize(z, gamma, beta, residual, *numbers)
        kept = None if residual is None else y
        given = x, weight, bias, gamma, beta, residual
        ctx.save_for_backward(*given, narrow, kept, *statistics)
        ctx.geometry, ctx.numbers, ctx.convolved = geometry, numbers, z
        ctx.set_materialize_grads(False)
        mean, variance, *_ = statistics
        ctx.mark_non_differentiable(mean, variance)
        return y, mean, variance

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Returns the gradients of what is differentiable, in order."""
        *given, narrow, y, mean, variance, scale, shift = ctx.saved_tensors
        [dy, *_] = gradients
        needs = ctx.needs_input_grad[:6]
        if dy is None:
            return (None,) * 8
        if torch.is_grad_enabled():  # gradients of these gradients are wanted

            def run(*given: Any) -> torch.Tensor:
                z = convolution.by_torch(*given[:3], *ctx.geometry).permute(0, 2, 3, 1)
                return batch_norm.by_torch(z, *given[3:], *ctx.numbers)

            return *gradients_by_torch(run, given, needs, dy), None, None
        x, weight, bias, *_ = given
        z, ctx.convolved = ctx.convolved, None
        if z is None:  # the graph was kept, and this is not the first time
            z = _convolved(x, narrow, bias, ctx.geometry)
        statistics = mean, variance, scale, shift
        _, *others = batch_norm.derive(
            dy.contiguous(), z, y, statistics, *ctx.numbers, out=z
        )
        dz = z.permute(0, 3, 1, 2)  # it is the gradient now
        found = convolution.derive(dz, x, weight, bias, narrow, ctx.geometry, needs[0])
        wanted = zip((*found, *others), needs, strict=True)
        return *(each if need else None for each, need in wanted), None, None


def _convolved(
    x: torch.Tensor,
    narrow: torch.Tensor,
    bias: torch.Tensor | None,
    geometry: tuple[int, tuple[int, int]],
) -> torch.Tensor:
    """Returns the convolution, channels last."""
    return (
        convolution.convolve(x, narrow, bias, *geometry)
        .permute(0, 2, 3, 1)
        .contiguous()
    )
