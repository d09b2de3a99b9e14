"""Convolution in bfloat16 with a kernel's gradient faster than oneDNN's, on a CPU.

Forward and the gradient of the images are oneDNN's. Its gradient of the kernel runs at
half of what the processor can where channels are few or strides large, and comes in
bfloat16; ours stays float32.
"""

import ctypes
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional
from torch.nn.grad import conv2d_weight

from residency.engine.native.build import Library
from residency.engine.native.differentiable import gradients_by_torch

LANES = 16
"""Channels of a vector in weight_gradient.c; with fewer, part of the work is idle."""


class Conv2d(torch.autograd.Function):
    """`conv2d` in bfloat16 of an image, channels last in memory.

    Takes x `(batch, channels, height, width)` bfloat16, weight `(filters, channels,
    kernel height, kernel width)` float32 or bfloat16, bias `(filters,)` or `None`,
    one stride for both axes, and the zeros around the image, rows and columns.
    Returns y bfloat16. The gradients of weight and bias have their dtype.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        stride: int,
        padding: tuple[int, int],
    ) -> torch.Tensor:
        """Runs oneDNN's convolution; see the class."""
        narrow = weight.to(x.dtype)
        ctx.save_for_backward(x, weight, bias, narrow)
        ctx.geometry = stride, padding
        return convolve(x, narrow, bias, *ctx.geometry)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Returns the gradients of x, weight and bias."""
        *given, narrow = ctx.saved_tensors
        [dy] = gradients
        needs = ctx.needs_input_grad[:3]
        if torch.is_grad_enabled():  # gradients of these gradients are wanted

            def run(*given: Any) -> torch.Tensor:
                return by_torch(*given, *ctx.geometry)

            return *gradients_by_torch(run, given, needs, dy), None, None
        x, weight, bias = given
        dy = dy.contiguous(memory_format=torch.channels_last)
        found = derive(dy, x, weight, bias, narrow, ctx.geometry, needs[0])
        wanted = zip(found, needs, strict=True)
        return *(each if need else None for each, need in wanted), None, None


def convolve(
    x: torch.Tensor,
    narrow: torch.Tensor,
    bias: torch.Tensor | None,
    stride: int,
    padding: tuple[int, int],
) -> torch.Tensor:
    """Returns the convolution with a kernel of x's dtype."""
    bias = None if bias is None else bias.to(x.dtype)
    return functional.conv2d(x, narrow, bias, stride, padding)


def by_torch(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    stride: int,
    padding: tuple[int, int],
) -> torch.Tensor:
    """Returns what `Conv2d` does by torch's own steps."""
    return convolve(x, weight.to(x.dtype), bias, stride, padding)


def derive(
    dy: torch.Tensor,
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    narrow: torch.Tensor,
    geometry: tuple[int, tuple[int, int]],
    needs_x: bool,
) -> tuple[torch.Tensor | None, ...]:
    """Returns the gradients of x, if it needs one, weight and bias.

    Args:
        dy: Gradient of the result, channels last in memory.
        x: What was convolved.
        weight: The kernel.
        bias: The bias, or `None`.
        narrow: The kernel in x's dtype.
        geometry: Stride along both axes; zeros on each side, of rows and of columns.
        needs_x: Whether the gradient of x is wanted.
    """
    dw, db = weight_gradient(x, dy, weight.shape, *geometry, bias is not None)
    dx, (stride, padding) = None, geometry
    if needs_x:  # last: what comes next finds it in the cache
        rest = (None, (stride, stride), padding, (1, 1), False, (0, 0), 1)
        run = torch.ops.aten.convolution_backward
        dx, *_ = run(dy, x, narrow, *rest, (True, False, False))
    return dx, dw.to(weight.dtype), db.to(bias.dtype) if bias is not None else None


def weight_gradient(
    x: torch.Tensor,
    dy: torch.Tensor,
    shape: tuple[int, ...],
    stride: int,
    padding: tuple[int, int],
    has_bias: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the gradients of a kernel, channels last in memory, and of a bias.

    Both are float32; without a bias, the second is empty.

    Args:
        x: `(batch, channels, height, width)`, bfloat16.
        dy: Gradient of the result, `(batch, filters, rows, columns)`, bfloat16.
        shape: Of the kernel: `(filters, channels, height, width)`.
        stride: Along both axes.
        padding: Zeros on each side, of rows and of columns.
        has_bias: Whether there is one.
    """
    filters, channels, *kernel = shape
    images = x.permute(0, 2, 3, 1).contiguous()
    dy = dy.permute(0, 2, 3, 1).contiguous()
    sizes = filters * math.prod(kernel) * channels, filters if has_bias else 0
    found = torch.empty(sum(sizes), dtype=torch.float32)
    numbers = (*images.shape, *dy.shape[1:], *kernel, stride, *padding, has_bias)
    pointers = images.data_ptr(), dy.data_ptr(), found.data_ptr()
    LIBRARY.run("weight_gradient", *pointers, (ctypes.c_long * len(numbers))(*numbers))
    weight, bias = found.split(sizes)
    return weight.view(filters, *kernel, channels).permute(0, 3, 1, 2), bias


def output_shape(
    images: Sequence[int],
    kernel: Sequence[int],
    stride: int,
    padding: tuple[int, int],
) -> tuple[int, ...]:
    """Returns the shape of a result, `(batch, rows, columns, filters)`.

    Args:
        images: `(batch, channels, height, width)`.
        kernel: `(height, width, channels, filters)`, as Keras has it.
        stride: Along both axes.
        padding: Zeros on each side, of rows and of columns.
    """
    sizes = zip(images[2:], kernel[:2], padding, strict=True)
    inner = [(size + 2 * zeros - side) // stride + 1 for size, side, zeros in sizes]
    return images[0], *inner, kernel[-1]


def usable(x: torch.Tensor, kernel: torch.Tensor) -> bool:
    """Tells whether the kernel's gradient is wanted and can be taken here.

    Args:
        x: Images, in any order of axes; under autocast of any dtype.
        kernel: `(height, width, channels, filters)`, as Keras has it.
    """
    dtypes = {x.dtype, kernel.dtype}
    autocast = torch.is_autocast_enabled("cpu")
    if autocast and torch.get_autocast_dtype("cpu") == torch.bfloat16:
        dtypes -= {torch.float32}
    return (
        dtypes <= {torch.bfloat16}
        and x.device.type == "cpu"
        and torch.is_grad_enabled()
        and kernel.requires_grad
        and kernel.shape[2] >= LANES
        and x.numel() > 0
        and unavailable() is None
    )


def unavailable() -> str | None:
    """Returns why the kernel is not used on this machine; `None`: it is."""
    return LIBRARY.unavailable()


@torch.inference_mode(False)
@torch.no_grad()
def _trouble() -> str | None:
    """Compares the kernel with float64 arithmetic on a few small cases."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator).bfloat16()

    for channels, filters, kernel, stride in (
        (16, 8, (3, 3), 1),
        (40, 20, (3, 2), 2),
        (80, 16, (1, 1), 1),
    ):
        x, weight = draw(2, channels, 7, 6), draw(filters, channels, *kernel)
        padding: Any = (kernel[0] // 2, kernel[1] // 2)
        dy = functional.conv2d(x, weight, None, stride, padding)
        found, sums = weight_gradient(x, dy, weight.shape, stride, padding, True)
        exact = conv2d_weight(
            x.double(), list(weight.shape), dy.double(), stride, padding
        )
        pairs = (found, exact), (sums, dy.double().sum((0, 2, 3)))
        if any((a - b).abs().max() > 1e-4 * (1 + b.abs().max()) for a, b in pairs):
            return "its results differ from torch's on this machine"
    return None


LIBRARY = Library(
    "weight_gradient",
    {"weight_gradient": (*[ctypes.c_void_p] * 3, ctypes.POINTER(ctypes.c_long))},
    _trouble,
)
