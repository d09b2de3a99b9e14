"""Convolution, then batch normalization with what follows it, as one function.

What the convolution gives is seen by nobody else: its memory takes the gradient later.
Hooks on saved tensors do not see it either, so they cannot move it elsewhere.
Images and kernels come with their axes in Keras' order. A gradient that autograd has to
turn is a view of another tensor, and it adds to nothing in place that has views.
"""

from typing import Any

import torch

from residency.engine.native import batch_norm, convolution


class NormalizedConv2d(torch.autograd.Function):
    """`BatchNorm` of `Conv2d`, in bfloat16 or float32.

    Takes x `(batch, height, width, channels)`, kernel `(height, width, channels,
    filters)` whose memory order is filters, height, width, channels; a bias; gamma,
    beta, residual and moving statistics of `BatchNorm`; stride and padding of `Conv2d`;
    epsilon, slope and ceiling of `BatchNorm`; and whether the result has two readers.
    Returns what `BatchNorm` does, to each: their gradients are added up in the pass
    that reads them anyway.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        kernel: torch.Tensor,
        bias: torch.Tensor | None,
        gamma: torch.Tensor | None,
        beta: torch.Tensor | None,
        residual: torch.Tensor | None,
        moving: batch_norm.Moving | None,
        geometry: tuple[int, tuple[int, int]],
        numbers: tuple[float, float, float],
        twice: bool,
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Runs both; see the class."""
        narrow = kernel.to(x.dtype)
        z = _convolved(x, narrow, bias, geometry)
        given = gamma, beta, residual, moving, *numbers
        y, statistics = batch_norm.normalize(z, *given)
        kept = None if residual is None else y
        ctx.save_for_backward(x, kernel, bias, gamma, beta, narrow, kept, statistics)
        ctx.geometry, ctx.numbers, ctx.convolved = geometry, numbers, z
        ctx.set_materialize_grads(False)
        return (y, y.detach()) if twice else y

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Returns the gradients of what is differentiable, in order."""
        *given, narrow, y, statistics = ctx.saved_tensors
        dys = [each.contiguous() for each in gradients if each is not None]
        if not dys:
            return (None,) * 10
        needs = ctx.needs_input_grad[:6]
        epsilon, *bends = ctx.numbers
        if torch.is_grad_enabled():  # gradients of these gradients are wanted

            def run(
                x: Any, kernel: Any, bias: Any, gamma: Any, beta: Any
            ) -> torch.Tensor:
                z = _convolved(x, kernel.to(x.dtype), bias, ctx.geometry)
                return batch_norm.by_torch(z, gamma, beta, epsilon)

            dy = dys[0] if len(dys) == 1 else dys[0] + dys[1]
            found = batch_norm.derive_by_torch(run, given, y, needs, dy, *bends)
            return *found, None, None, None, None
        x, kernel, bias, *_ = given
        z, ctx.convolved = ctx.convolved, None
        if z is None:  # the graph was kept, and this is not the first time
            z = _convolved(x, narrow, bias, ctx.geometry)
        _, *rest = batch_norm.derive(dys, z, y, statistics, *ctx.numbers, out=z)
        dx, dw, db = convolution.derive(
            z.permute(0, 3, 1, 2),  # it is the gradient now
            x.permute(0, 3, 1, 2),
            kernel.permute(3, 2, 0, 1),
            bias,
            narrow.permute(3, 2, 0, 1),
            ctx.geometry,
            needs[:3],
        )
        # detached: no views of what they were turned from
        dx = None if dx is None else dx.permute(0, 2, 3, 1).detach()
        dw = None if dw is None else dw.permute(2, 3, 1, 0).detach()
        wanted = zip((dx, dw, db, *rest), needs, strict=True)
        return (
            *(each if need else None for each, need in wanted),
            None,
            None,
            None,
            None,
        )


def _convolved(
    x: torch.Tensor,
    narrow: torch.Tensor,
    bias: torch.Tensor | None,
    geometry: tuple[int, tuple[int, int]],
) -> torch.Tensor:
    """Returns the convolution, channels last, of such images."""
    images, weight = x.permute(0, 3, 1, 2), narrow.permute(3, 2, 0, 1)
    y = convolution.convolve(images, weight, bias, *geometry)
    return y.permute(0, 2, 3, 1).contiguous()
