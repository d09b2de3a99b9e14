"""Batch normalization with Keras' arithmetic at torch's speed.

Keras moves its variance by the batch's biased one, torch's module by the unbiased
one: n / (n - 1) apart, 3 % for 32 values. So the batch's own statistics are taken
from torch's kernel, which keeps them for the backward pass anyway.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from residency.engine.lowering.activations import LINEAR, Rectifier
from residency.engine.lowering.convolution import Convolution
from residency.engine.lowering.shared_statistics import SharedBatchNorm, Sharing
from residency.engine.native import batch_norm as native
from residency.engine.native.convolution import dtype_of_products, output_shape
from residency.engine.native.normalized import NormalizedConv2d

_batch_norm = torch.ops.aten._native_batch_norm_legit.no_stats
"""(x, gamma, beta, training, momentum, epsilon) to y, mean and 1 / deviation."""


def batch_norm(layer: Any) -> "BatchNorm | None":
    """Returns how a `BatchNormalization` runs; `None`: it is left to Keras."""
    rank = layer.input_spec.ndim
    known = (rank, layer.axis % rank) in ((2, 1), (4, 1), (4, 3))
    odd = layer.renorm or layer.synchronized
    # Keras computes at least in float32, whatever the variables are
    wide = layer.variable_dtype in ("float32", "float64")
    return BatchNorm(layer) if known and wide and not odd else None


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """`BatchNormalization`, then perhaps adding a second tensor, then a rectifier."""

    layer: Any
    residual: bool = False
    rectifier: Rectifier = LINEAR
    sharing: Sharing | None = None
    """Whoever else has images of the batch; `None`: nobody."""

    def __call__(
        self, x: torch.Tensor, *others: torch.Tensor, training: bool
    ) -> torch.Tensor:
        """Returns what the Keras layers return; moves the moving statistics."""
        layer = self.layer
        rank = x.ndim
        last = layer.axis % rank == rank - 1
        gamma, beta, moving = self._variables
        epsilon = layer.epsilon
        from_batch = training and layer.trainable
        if self.is_native(training) and native.usable(x, *others):
            added = others[0] if self.residual else None
            run: Any = native.BatchNorm.apply
            return run(x, gamma, beta, added, moving, *self._numbers)
        if last and rank == 4:
            x = x.permute(0, 3, 1, 2)
        if from_batch and self.sharing is not None:
            run = SharedBatchNorm.apply
            y, mean, variance = run(x, gamma, beta, epsilon, self.sharing)
            native.move(moving, mean, variance)
        elif from_batch:
            y, mean, inverse = _batch_norm(x, gamma, beta, True, 0.0, epsilon)
            native.move(moving, mean, (inverse**-2 - epsilon).clamp_(0))
        else:
            given = *moving[:2], gamma, beta
            y = functional.batch_norm(x, *given, False, 0, epsilon)
        return self.finish(y.permute(0, 2, 3, 1) if last and rank == 4 else y, *others)

    def is_native(self, training: bool) -> bool:
        """Tells whether it takes this process's batch, channels last."""
        layer = self.layer
        last = layer.axis % layer.input_spec.ndim == layer.input_spec.ndim - 1
        return training and layer.trainable and self.sharing is None and last

    def after(
        self,
        convolution: Convolution,
        x: torch.Tensor,
        *others: torch.Tensor,
        twice: bool = False,
    ) -> Any:
        """Returns what both together do in training; `None`: not natively as one.

        Args:
            convolution: What comes before.
            x: What it takes.
            *others: What is added.
            twice: Return a pair, for two readers.
        """
        conv = convolution.layer
        kernel = convolution.read(conv.kernel)
        dtype = dtype_of_products(x, kernel)
        known = dtype is not None and convolution.is_plain
        if not known or native.unavailable() is not None:
            return None
        images, strides, padding = convolution.prepared(x)
        geometry = strides[0], padding
        if others:
            shape = output_shape(images.shape, kernel.shape, *geometry)
            if any(each.dtype != dtype or each.shape != shape for each in others):
                return None
        thinned = strides != convolution.strides
        if thinned or images.shape[2:] != x.shape[1:3]:  # or zeros are around it
            x = images.permute(0, 2, 3, 1)
        gamma, beta, moving = self._variables
        run: Any = NormalizedConv2d.apply
        return run(
            x.to(dtype),
            kernel,
            convolution.read(conv.bias),
            gamma,
            beta,
            others[0] if self.residual else None,
            moving,
            geometry,
            self._numbers,
            twice,
        )

    @property
    def _variables(self) -> tuple[Any, Any, native.Moving]:
        """Gamma, beta, either perhaps `None`, and the moving statistics."""
        layer = self.layer
        gamma = layer.gamma.value if layer.scale else None
        beta = layer.beta.value if layer.center else None
        moving = layer.moving_mean.value, layer.moving_variance.value, layer.momentum
        return gamma, beta, moving

    @property
    def _numbers(self) -> tuple[float, float, float]:
        return self.layer.epsilon, self.rectifier.slope, self.rectifier.ceiling

    def finish(self, y: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        """Adds and cuts off below zero, where that is part of it."""
        if self.residual:
            y = y + others[0]
        return self.rectifier(y)
