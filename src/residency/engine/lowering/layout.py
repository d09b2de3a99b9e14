"""Where axes lie: Keras' order and torch's, in memory too; `"same"` padding."""

from typing import Any

import torch
from torch.nn import functional


def to_channels_first(x: torch.Tensor, channels_last: bool) -> torch.Tensor:
    """Returns `(batch, channels, height, width)`, channels last in memory."""
    if channels_last:
        return x.permute(0, 3, 1, 2)
    return x.contiguous(memory_format=torch.channels_last)


def from_channels_first(x: torch.Tensor, channels_last: bool) -> torch.Tensor:
    """Returns the axes to Keras' order."""
    return x.permute(0, 2, 3, 1) if channels_last else x


def lay_out_kernel(variable: Any) -> None:
    """Moves a kernel `(height, width, in, out)` to memory order out, height, width, in.

    Its shape and its values stay; `permute(3, 2, 0, 1)` is channels last afterwards.
    """
    value = variable.value
    wanted = value.detach().permute(3, 0, 1, 2).contiguous().permute(1, 2, 3, 0)
    if value.stride() != wanted.stride():
        value.data = wanted


def _same_padding(
    size: int, kernel: int, stride: int, dilation: int
) -> tuple[int, int]:
    """Returns the zeros before and after that Keras' `"same"` puts on one axis."""
    total = max(
        0, (-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size
    )
    return total // 2, total - total // 2


def padded(
    x: torch.Tensor, kernel: Any, strides: Any, dilation: Any = (1, 1), mode="constant"
) -> tuple[torch.Tensor, tuple[int, int]]:
    """Returns `x` and the padding per side that is left to do for `"same"`."""
    (top, bottom), (left, right) = (
        _same_padding(size, k, s, d)
        for size, k, s, d in zip(x.shape[2:], kernel, strides, dilation, strict=True)
    )
    if top == bottom and left == right:
        return x, (top, left)
    return functional.pad(x, (left, right, top, bottom), mode=mode), (0, 0)
