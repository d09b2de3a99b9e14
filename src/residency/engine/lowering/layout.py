"""Where axes lie: Keras' order and torch's, in memory too; `"same"` padding."""

from typing import Any, NamedTuple, Self

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


def lay_out_like(variable: Any, pattern: torch.Tensor) -> None:
    """Moves what is as large as `pattern` to its order in memory; the values stay."""
    value = variable.value
    if value.shape == pattern.shape and value.stride() != pattern.stride():
        value.data = torch.empty_like(pattern, dtype=value.dtype).copy_(value)


def every(x: torch.Tensor, steps: tuple[int, int]) -> torch.Tensor:
    """Returns every n-th row and column of `(batch, channels, height, width)`.

    A copy: of a view one row high, torch's strides mislead oneDNN.
    """
    run: Any = _Every.apply if x.requires_grad else _every
    return run(x, steps)


def _every(x: torch.Tensor, steps: tuple[int, int]) -> torch.Tensor:
    rows, columns = steps
    return x[:, :, ::rows, ::columns].clone(memory_format=torch.channels_last)


class _Every(torch.autograd.Function):
    """`every`; torch's own gradient of it writes zeros for rows, then for columns, and
    the last of them channels first, which is slow to add to what is channels last."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: torch.Tensor, steps: tuple[int, int]) -> torch.Tensor:
        return _every(x, steps)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: torch.Tensor) -> None:
        x, ctx.steps = inputs
        ctx.shape = x.shape

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        [dy] = gradients
        rows, columns = ctx.steps
        _, channels, height, width = ctx.shape
        row = width * channels
        strides = height * row, 1, row, channels  # channels last
        dx = dy.new_empty_strided(ctx.shape, strides).zero_()
        dx[:, :, ::rows, ::columns] = dy
        return dx, None


Sides = tuple[tuple[int, int], tuple[int, int]]
"""Rows before and after an image, then columns."""
NO_SIDES: Sides = ((0, 0), (0, 0))


def same_sides(size: Any, kernel: Any, strides: Any, dilation: Any = (1, 1)) -> Sides:
    """Returns the zeros that Keras' `"same"` puts around an image of `size`."""
    rows, columns = (
        _same(*axis) for axis in zip(size, kernel, strides, dilation, strict=True)
    )
    return rows, columns


def _same(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    total = max(
        0, (-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size
    )
    return total // 2, total - total // 2


class Padding(NamedTuple):
    """How the zeros around an image come about."""

    each: tuple[int, int] = (0, 0)
    """Rows and columns on every side, which torch's functions add by themselves."""
    copied: Sides = NO_SIDES
    """What a copy of the image has around it."""
    before: tuple[int, int] = (0, 0)
    """Rows and columns of zeros before those of the kernel: as many fewer before the
    image than after it."""

    @classmethod
    def of(cls, sides: Sides) -> Self:
        """Returns a padding that copies the image where the sides differ."""
        (top, bottom), (left, right) = sides
        if top == bottom and left == right:
            return cls(each=(top, left))
        return cls(copied=sides)

    @classmethod
    def in_kernel(cls, sides: Sides) -> Self:
        """Returns a padding that makes the kernel larger where the sides differ.

        Args:
            sides: No fewer after than before.
        """
        (top, bottom), (left, right) = sides
        return cls(each=(bottom, right), before=(bottom - top, right - left))

    def image(self, x: torch.Tensor, mode: str = "constant") -> torch.Tensor:
        """Returns the image `(batch, channels, height, width)` to go on with."""
        if self.copied == NO_SIDES:
            return x
        rows, columns = self.copied
        return functional.pad(x, (*columns, *rows), mode=mode)

    def kernel(self, weight: torch.Tensor) -> torch.Tensor:
        """Returns the kernel `(out, in, height, width)` to go on with."""
        rows, columns = self.before
        if self.before == (0, 0):
            return weight
        return functional.pad(weight, (columns, 0, rows, 0))
