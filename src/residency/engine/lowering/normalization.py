"""Batch normalization with Keras' arithmetic at torch's speed.

Keras moves its variance by the batch's biased one, torch's module by the unbiased
one: n / (n - 1) apart, 3 % for 32 values. So the batch's own statistics are taken
from torch's kernel, which keeps them for the backward pass anyway.
"""

from typing import Any

import torch
from torch.nn import functional

from residency.engine.lowering.call import Run
from residency.engine.native.batch_norm import BatchNorm, usable

_batch_norm = torch.ops.aten._native_batch_norm_legit.no_stats
"""(x, gamma, beta, training, momentum, epsilon) to y, mean and 1 / deviation."""


def batch_norm(layer: Any, *, residual: bool = False, relu: bool = False) -> Run | None:
    """`BatchNormalization`, then perhaps adding a second tensor, then perhaps ReLU.

    Returns `None` for what is left to Keras: renormalization, odd axes.
    """
    rank = layer.input_spec.ndim
    axis = layer.axis % rank
    known = (rank, axis) in ((2, 1), (4, 1), (4, 3))
    if not known or layer.renorm or layer.synchronized:
        return None
    last = (rank, axis) == (4, 3)

    def run(x: torch.Tensor, *others: torch.Tensor, training: bool) -> torch.Tensor:
        gamma = layer.gamma.value if layer.scale else None
        beta = layer.beta.value if layer.center else None
        mean, variance = layer.moving_mean.value, layer.moving_variance.value
        epsilon, move = layer.epsilon, 1 - layer.momentum
        others = others if residual else (None,)
        from_batch = training and layer.trainable
        if from_batch and (last or rank == 2) and usable(x, *others):
            y, *batch = BatchNorm.apply(x, gamma, beta, *others, epsilon, relu)
            _move(mean, variance, *batch, move)
            return y
        if last:
            x = x.permute(0, 3, 1, 2)
        if from_batch:
            y, batch_mean, inverse = _batch_norm(x, gamma, beta, True, 0.0, epsilon)
            _move(mean, variance, batch_mean, (inverse**-2 - epsilon).clamp_(0), move)
        else:
            y = functional.batch_norm(x, mean, variance, gamma, beta, False, 0, epsilon)
        if last:
            y = y.permute(0, 2, 3, 1)
        if residual:
            y = y + others[0]
        return torch.relu(y) if relu else y

    return run


def _move(
    mean: torch.Tensor,
    variance: torch.Tensor,
    batch_mean: torch.Tensor,
    batch_variance: torch.Tensor,
    by: float,
) -> None:
    """Moves the moving statistics by the share `by` towards the batch's, in place."""
    with torch.no_grad():
        mean.lerp_(batch_mean.detach().to(mean.dtype), by)
        variance.lerp_(batch_variance.detach().to(variance.dtype), by)
