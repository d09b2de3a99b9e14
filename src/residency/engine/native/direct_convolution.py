"""Convolution of few channels in bfloat16 on a CPU, faster than oneDNN's.

oneDNN multiplies blocks of matrices, which are small where channels are few, and takes
time to begin. The kernels here are those of the ResNets for CIFAR.
"""

import ctypes
from typing import Any

import torch
from torch.nn import functional

from residency.engine.native.build import Library
from residency.engine.native.trial import close, drawing

LANES = 16
"""Filters of a vector in direct_convolution.c."""
FEW = 2 * LANES
"""Channels and filters, at most; with more, oneDNN is as fast."""
TAPS = 9
"""Of a kernel, at most; so it is with more."""


def convolve(
    x: torch.Tensor,
    kernel: torch.Tensor,
    bias: torch.Tensor | None,
    padding: tuple[int, int],
    turned: bool = False,
) -> torch.Tensor:
    """Returns the convolution of stride 1, without gradients.

    Args:
        x: `(batch, channels, height, width)`, bfloat16, channels last in memory, as is
            the result.
        kernel: `(filters, channels, height, width)`, bfloat16.
        bias: `(filters,)`, or `None`.
        padding: Zeros on each side of the image, of rows and of columns.
        turned: Take the gradient of the images of a convolution with this kernel and
            padding, x that of its results.
    """
    rows, columns = kernel.shape[2:]
    top, left = padding
    if turned:
        top, left = rows - 1 - top, columns - 1 - left
    batch, channels, height, width = x.shape
    filters = kernel.shape[1 if turned else 0]
    size = height + 2 * top - rows + 1, width + 2 * left - columns + 1
    images = x.permute(0, 2, 3, 1).contiguous()
    weight = kernel.permute(0, 2, 3, 1).contiguous()
    bias = None if bias is None else bias.float().contiguous()
    y = x.new_empty((batch, *size, filters))
    numbers = (batch, height, width, channels, *size, filters, rows, columns)
    numbers = (*numbers, top, left, turned)
    pointers = (None if t is None else t.data_ptr() for t in (images, weight, bias, y))
    given = *pointers, (ctypes.c_long * len(numbers))(*numbers)
    LIBRARY.run("direct_convolution", *given)
    return y.permute(0, 3, 1, 2)


def is_faster(
    x: torch.Tensor,
    kernel: torch.Tensor,
    stride: int | tuple[int, int],
    padding: tuple[int, int],
) -> bool:
    """Tells whether it can take this convolution and its gradient, faster than oneDNN.

    Args:
        x: Images, on a CPU.
        kernel: `(filters, channels, height, width)`.
        stride: Along both axes.
        padding: Zeros on each side, of rows and of columns.
    """
    filters, channels, rows, columns = kernel.shape
    few = filters <= FEW and channels <= FEW
    whole = filters % LANES == channels % LANES == 0
    small = 1 < rows * columns <= TAPS
    if not (few and whole and small and stride in (1, (1, 1))):
        return False
    sides = zip(x.shape[2:], (rows, columns), padding, strict=True)
    inside = all(zeros < side <= size + 2 * zeros for size, side, zeros in sides)
    return inside and x.dtype == torch.bfloat16 and unavailable() is None


def unavailable() -> str | None:
    """Returns why it is not used on this machine; `None`: it is."""
    return LIBRARY.unavailable()


def _trouble() -> str | None:
    """Compares the kernel with float64 arithmetic on a few small cases."""
    draw = drawing(torch.bfloat16)
    padding = 1, 0
    for channels, filters in ((16, 32), (32, 16)):
        x, bias = draw(2, channels, 5, 9), draw(filters)
        kernel = draw(filters, channels, 3, 2)
        exact = functional.conv2d(
            x.double(), kernel.double(), bias.double(), 1, padding
        )
        dx = functional.conv_transpose2d(exact, kernel.double(), None, 1, padding)
        pairs = (
            (convolve(x, kernel, bias, padding), exact),
            (convolve(exact.bfloat16(), kernel, None, padding, turned=True), dx),
        )
        if not all(close(a, b, 2e-2) for a, b in pairs):
            return "its results differ from torch's on this machine"
    return None


_pointer: Any = ctypes.c_void_p
LIBRARY = Library(
    "direct_convolution",
    {"direct_convolution": (*[_pointer] * 4, ctypes.POINTER(ctypes.c_long))},
    _trouble,
)
