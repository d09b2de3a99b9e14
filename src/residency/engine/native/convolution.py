"""Convolution in bfloat16 with a kernel's gradient faster than oneDNN's, on a CPU.

Forward and the gradient of the images are oneDNN's, but for few channels. Its gradient
of the kernel runs at half of what the processor can where channels are few or strides
large, and comes in bfloat16; ours is float32, and stays so for a float32 kernel under
autocast.
"""

import ctypes
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional
from torch.nn.grad import conv2d_weight

from residency.engine.native import direct_convolution
from residency.engine.native.build import Library
from residency.engine.native.differentiable import gradients_by_torch
from residency.engine.native.trial import close, drawing
from residency.engine.precision import autocast_dtype

LANES = 16
"""Channels of a vector in weight_gradient.c; with fewer, part of the work is idle."""
FLOATS: Any = {"dtype": torch.float32, "device": "cpu"}


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
        """Convolves; see the class."""
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

            def run(x: Any, weight: Any, bias: Any) -> torch.Tensor:
                return convolve(x, weight.to(x.dtype), bias, *ctx.geometry)

            return *gradients_by_torch(run, given, needs, dy), None, None
        x, weight, bias = given
        dy = dy.contiguous(memory_format=torch.channels_last)
        return *derive(dy, x, weight, bias, narrow, ctx.geometry, needs), None, None


def convolve(
    x: torch.Tensor,
    narrow: torch.Tensor,
    bias: torch.Tensor | None,
    stride: int | tuple[int, int],
    padding: tuple[int, int],
    groups: int = 1,
) -> torch.Tensor:
    """Returns the convolution with a kernel of x's dtype.

    Torch can differentiate it if gradients are on.
    """
    bias = None if bias is None else bias.to(x.dtype)
    alone = groups == 1 and not torch.is_grad_enabled()
    if alone and direct_convolution.is_faster(x, narrow, stride, padding):
        return direct_convolution.convolve(x, narrow, bias, padding)
    return functional.conv2d(x, narrow, bias, stride, padding, 1, groups)


def derive(
    dy: torch.Tensor,
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    narrow: torch.Tensor,
    geometry: tuple[int, tuple[int, int]],
    needs: Sequence[bool],
) -> tuple[torch.Tensor | None, ...]:
    """Returns the gradients of x, weight and bias, of which are needed.

    Args:
        dy: Gradient of the result, channels last in memory.
        x: What was convolved.
        weight: The kernel.
        bias: The bias, or `None`.
        narrow: The kernel in x's dtype.
        geometry: Stride along both axes; zeros on each side, of rows and of columns.
        needs: One for each gradient.
    """
    stride, padding = geometry
    needs_x, needs_weight, needs_bias = needs
    shape = None if bias is None else list(bias.shape)
    rest = (shape, (stride, stride), padding, (1, 1), False, (0, 0), 1)
    run = torch.ops.aten.convolution_backward.default
    dx = dw = db = None
    if has_kernel(x.dtype, weight.shape[1]):
        if needs_weight or needs_bias:
            dw, db = weight_gradient(x, dy, weight.shape, *geometry, bias is not None)
        # last: what comes next finds it in the cache
        if needs_x and direct_convolution.is_faster(x, narrow, stride, padding):
            dx = direct_convolution.convolve(dy, narrow, None, padding, turned=True)
        elif needs_x:
            dx, *_ = run(dy, x, narrow, *rest, (True, False, False))
    else:
        dx, dw, db = run(dy, x, narrow, *rest, needs)
    return (
        dx,
        dw.to(weight.dtype) if dw is not None and needs_weight else None,
        db.to(bias.dtype) if db is not None and bias is not None else None,
    )


def weight_gradient(
    x: torch.Tensor,
    dy: torch.Tensor,
    shape: tuple[int, ...],
    stride: int,
    padding: tuple[int, int],
    has_bias: bool = False,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Returns the gradients of a kernel, channels last in memory, and of a bias.

    Both are float32; without a bias, the second is `None`.

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
    bias = None
    if has_bias:  # it follows the kernel
        size = filters * math.prod(kernel) * channels
        found, bias = torch.empty(size + filters, **FLOATS).tensor_split([size])
        weight = found.view(filters, *kernel, channels).permute(0, 3, 1, 2)
    else:
        weight = torch.empty(shape, **FLOATS, memory_format=torch.channels_last)
    numbers = (*images.shape, *dy.shape[1:], *kernel, stride, *padding, has_bias)
    pointers = images.data_ptr(), dy.data_ptr(), weight.data_ptr()
    LIBRARY.run("weight_gradient", *pointers, (ctypes.c_long * len(numbers))(*numbers))
    return weight, bias


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
    dtype = dtype_of_products(x, kernel)
    known = dtype is not None and has_kernel(dtype, kernel.shape[2])
    return known and torch.is_grad_enabled() and kernel.requires_grad


def dtype_of_products(x: torch.Tensor, kernel: torch.Tensor) -> torch.dtype | None:
    """Returns in what they are multiplied on a CPU; `None`: in what we do not know."""
    if x.device.type != "cpu" or x.numel() == 0:
        return None
    found, other = x.dtype, kernel.dtype
    narrow = autocast_dtype(x.device)
    if narrow is not None:
        found = narrow if found == torch.float32 else found
        other = narrow if other == torch.float32 else other
    known = found == other and found in (torch.float32, torch.bfloat16)
    return found if known else None


def has_kernel(dtype: torch.dtype, channels: int) -> bool:
    """Tells whether the native kernel is there and faster for such images."""
    narrow = dtype == torch.bfloat16 and channels >= LANES
    return narrow and unavailable() is None


def unavailable() -> str | None:
    """Returns why the kernel is not used on this machine; `None`: it is."""
    return LIBRARY.unavailable()


def _trouble() -> str | None:
    """Compares the kernel with float64 arithmetic on a few small cases."""
    draw = drawing(torch.bfloat16)
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
        pairs: Any = (found, exact), (sums, dy.double().sum((0, 2, 3)))
        if not all(close(a, b, 1e-4) for a, b in pairs):
            return "its results differ from torch's on this machine"
    return None


LIBRARY = Library(
    "weight_gradient",
    {"weight_gradient": (*[ctypes.c_void_p] * 3, ctypes.POINTER(ctypes.c_long))},
    _trouble,
)
