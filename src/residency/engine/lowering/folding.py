"""A convolution and the batch normalization after it as one convolution."""

from typing import Any

import torch

from residency.engine.lowering.layers import Convolution
from residency.engine.lowering.normalization import BatchNorm


class FoldedConvolution:
    """Both, one after the other; in inference without gradients, at once.

    The joint kernel is made when first needed, and anew after a training pass or when
    one of the variables behind it changed: torch counts the changes of a tensor in
    place. It does not count those by its fused optimizers, which come with a training
    pass, nor those through `.data` or `.numpy()`: call the module in training mode once
    after such a change.
    """

    def __init__(self, convolution: Convolution, norm: BatchNorm) -> None:
        self.convolution = convolution
        self.norm = norm
        self._values: list[Any] = []  # held, so that no other tensor gets their ids
        self._made_from: tuple[tuple[int, int, int], ...] = ()
        self._folded: tuple[torch.Tensor, torch.Tensor] | None = None

    def __call__(
        self, x: torch.Tensor, *others: torch.Tensor, training: bool
    ) -> torch.Tensor:
        """Returns what the Keras layers return."""
        if training or torch.is_grad_enabled():
            self._folded = None
            y = self.convolution(x, training=training)
            return self.norm(y, *others, training=training)
        kernel, bias = (part.to(x.dtype) for part in self._kernel_and_bias())
        y = self.convolution.convolve(x, kernel, bias)
        if self.norm.residual:  # y is ours alone and may be changed in place
            y = y.add_(others[0]) if y.dtype == others[0].dtype else y + others[0]
        return y.relu_() if self.norm.relu else y

    def _kernel_and_bias(self) -> tuple[torch.Tensor, torch.Tensor]:
        conv, norm = self.convolution.layer, self.norm.layer
        variables = [conv.kernel, conv.bias, norm.gamma, norm.beta]
        variables += [norm.moving_mean, norm.moving_variance]
        values: list[Any] = [None if v is None else v.value for v in variables]
        state = tuple(
            (id(v), v.data_ptr(), v._version) for v in values if v is not None
        )
        if self._folded is None or state != self._made_from:
            kernel, bias, gamma, beta, mean, variance = values
            scale = (variance.double() + norm.epsilon).rsqrt()
            scale = scale if gamma is None else scale * gamma
            shift = (-mean if bias is None else bias - mean) * scale
            shift = shift if beta is None else shift + beta
            # in the kernel's own order in memory
            folded = torch.empty_like(kernel).copy_(kernel * scale)
            self._folded = folded, shift.to(kernel.dtype)
            self._values, self._made_from = values, state
        return self._folded
