"""Batch normalization of a batch that several processes share."""

from typing import Any, Protocol

import torch
from torch.nn import functional


class Sharing(Protocol):
    """The processes, seen from one of them."""

    share: float
    """Its part of the batch's images, in [0, 1]; 0: what it runs on does not count."""

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """Returns the sum of the tensors of all processes; may change its own."""
        ...


class SharedBatchNorm(torch.autograd.Function):
    """`normalized(x) * gamma + beta` by the mean and variance of the whole batch.

    Takes x `(images, channels, ...)`, gamma and beta `(channels,)` or `None`, epsilon,
    and a `Sharing`. Returns y like x, and the mean and the biased variance, float64
    `(channels,)`, which carry no gradient.

    The loss of each process is the mean over its own images, so what it passes back
    weighs as much as its share. Sums travel in float64.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        gamma: torch.Tensor | None,
        beta: torch.Tensor | None,
        epsilon: float,
        sharing: Sharing,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Runs forward; see the class."""
        wide = _wide(x)
        variance, mean = torch.var_mean(wide, _axes(x), correction=0)
        variance, mean = variance.double(), mean.double()
        count = torch.full_like(mean, x.numel() // x.shape[1])
        sums = torch.stack([mean * count, (variance + mean**2) * count, count])
        total, squares, count = sharing.sum(_weighted(sums, float(sharing.share > 0)))
        mean = total / count
        variance = (squares / count - mean**2).clamp_(0)
        y = functional.batch_norm(
            x, mean.to(wide.dtype), variance.to(wide.dtype), gamma, beta, eps=epsilon
        )
        ctx.save_for_backward(x, gamma, mean, (variance + epsilon).rsqrt(), count)
        ctx.sharing, ctx.share = sharing, sharing.share
        ctx.mark_non_differentiable(mean, variance)
        return y, mean, variance

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Returns the gradients of x, gamma and beta."""
        x, gamma, mean, inverse, count = ctx.saved_tensors
        dy = _wide(gradients[0])
        along = (-1, *[1] * (x.ndim - 2))
        mean, scale = (value.to(dy.dtype).view(along) for value in (mean, inverse))
        normalized = (_wide(x) - mean) * scale
        sums = torch.stack([part.sum(_axes(x)) for part in (dy, dy * normalized)])
        dbeta, dgamma = sums
        everywhere = ctx.sharing.sum(_weighted(sums.double(), ctx.share))
        if ctx.share:
            means = (everywhere / (count * ctx.share)).to(dy.dtype)
            direct, turned = (each.view(along) for each in means)
            dx = (dy - direct - normalized * turned) * scale
            dx = dx if gamma is None else dx * gamma.view(along)
        else:
            dx = torch.zeros_like(dy)
        needs = ctx.needs_input_grad
        return (
            dx.to(x.dtype),
            dgamma if needs[1] else None,
            dbeta if needs[2] else None,
            None,
            None,
        )


def _weighted(sums: torch.Tensor, weight: float) -> torch.Tensor:
    """Returns `sums * weight`; zeros for 0, even where there is no number."""
    return sums * weight if weight else torch.zeros_like(sums)


def _wide(x: torch.Tensor) -> torch.Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _axes(x: torch.Tensor) -> list[int]:
    return [axis for axis in range(x.ndim) if axis != 1]
