"""Convolutions in torch: whole, depthwise, separable."""

from collections.abc import Callable
from typing import Any

import keras
import torch
from torch.nn import functional

from residency.engine.lowering import depthwise
from residency.engine.lowering.call import Run
from residency.engine.lowering.layout import (
    NO_SIDES,
    Padding,
    Sides,
    every,
    from_channels_first,
    lay_out_kernel,
    same_sides,
    to_channels_first,
)
from residency.engine.native import convolution as native

Function = Callable[..., torch.Tensor]
"""Takes images, weight and bias as torch does, strides, and zeros on each side."""
Steps = tuple[int, int]
"""Of rows and of columns: 2 is every second one."""
ALL: Steps = (1, 1)
SAFE_CHANNELS = 16
"""With fewer channels last, oneDNN's gradient of a strided 1x1 kernel writes past its
memory: https://github.com/uxlfoundation/oneDNN/issues/6035."""


def activation_of(layer: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    """Returns a layer's activation; under autocast, probabilities stay float32."""
    given = getattr(layer, "activation", None)
    if given is None or given is keras.activations.linear:
        return lambda x: x
    if given is keras.activations.relu:
        return torch.relu
    if layer.compute_dtype == "float32":
        return lambda x: given(x.float())
    return given


class Weights:
    """Reads a layer's variables in the dtype that it computes in."""

    def __init__(self, layer: Any) -> None:
        mixed = layer.compute_dtype != layer.variable_dtype
        self.dtype = getattr(torch, layer.compute_dtype) if mixed else None

    def __call__(self, variable: Any) -> Any:
        if variable is None:
            return None
        value = variable.value
        return value if self.dtype is None else value.to(self.dtype)


class Convolution:
    """`Conv2D`, on an image with `zeros` around it.

    Args:
        layer: The Keras layer.
        zeros: On each side, beside those that the layer adds itself.
        strides: In place of the layer's, on an image that is thinned already.
    """

    def __init__(
        self, layer: Any, zeros: Sides = NO_SIDES, strides: Steps | None = None
    ) -> None:
        self.layer = layer
        self.zeros = zeros
        self.strides: Steps = layer.strides if strides is None else strides
        self.read = Weights(layer)
        self.activation = activation_of(layer)
        self.lay_out()

    def lay_out(self) -> None:
        """Puts the kernel in the order in memory in which it is read."""
        lay_out_kernel(self.layer._kernel)

    def __call__(self, x: torch.Tensor, *, training: bool) -> torch.Tensor:
        """Returns what the Keras layer returns."""
        kernel, bias = self.read(self.layer.kernel), self.read(self.layer.bias)
        return self.activation(self.convolve(x, kernel, bias))

    @property
    def groups(self) -> int:
        """Groups of channels that see nothing of each other."""
        return self.layer.groups

    def weight(self, kernel: torch.Tensor) -> torch.Tensor:
        """Returns a kernel in Keras' shape as torch's `(out, in, height, width)`."""
        return kernel.permute(3, 2, 0, 1)

    def scaled(self, kernel: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        """Returns the kernel that gives each output channel times its `scale`."""
        return kernel * scale

    def sides(self, x: torch.Tensor) -> Sides:
        """Returns the zeros to add around `x`, channels first."""
        layer = self.layer
        if layer.padding != "same":
            return self.zeros
        size = x.shape[2:]
        return same_sides(size, layer.kernel_size, self.strides, layer.dilation_rate)

    def inference_padding(self, x: torch.Tensor) -> Padding:
        """Returns the padding where nobody asks for gradients, `x` channels first."""
        return Padding.of(self.sides(x))

    def prepared(
        self, x: torch.Tensor, strides: Steps | None = None
    ) -> tuple[torch.Tensor, Steps, tuple[int, int]]:
        """Returns `x` channels first, the strides and the zeros per side left to do.

        Args:
            x: In Keras' shape.
            strides: In place of its own.
        """
        layer: Any = self.layer
        x = to_channels_first(x, layer.data_format == "channels_last")
        padding = Padding.of(self.sides(x))
        x, steps = padding.image(x), self.strides if strides is None else strides
        pointwise = layer.kernel_size == (1, 1) and padding.each == (0, 0)
        few = self.groups == 1 and x.shape[1] < SAFE_CHANNELS
        if pointwise and few and steps != ALL:
            return every(x, steps), ALL, (0, 0)
        return x, steps, padding.each

    def convolve(
        self,
        x: torch.Tensor,
        kernel: torch.Tensor,
        bias: torch.Tensor | None,
        strides: Steps | None = None,
    ) -> torch.Tensor:
        """Returns the convolution with this kernel, in Keras' shape.

        Args:
            x: In Keras' shape, as `kernel` and `bias`.
            kernel: Of the layer, or a multiple.
            bias: Its bias, or another.
            strides: In place of its own.
        """
        layer, weight = self.layer, self.weight(kernel)
        faster = self.faster(x, kernel)
        x, strides, padding = self.prepared(x, strides)
        if faster is not None:
            y = faster(x, weight, bias, strides, padding)
        else:
            geometry = (strides, padding, layer.dilation_rate, self.groups)
            y = functional.conv2d(x, weight, bias, *geometry)
        return from_channels_first(y, layer.data_format == "channels_last")

    def faster(self, x: torch.Tensor, kernel: torch.Tensor) -> Function | None:
        """Returns what convolves with faster gradients than torch's, if it can."""
        return _natively if self.is_plain and native.usable(x, kernel) else None

    @property
    def is_plain(self) -> bool:
        """Neither groups nor gaps, one stride: what the native functions take."""
        square = self.strides[0] == self.strides[1]
        return square and self.groups == 1 and self.layer.dilation_rate == (1, 1)


def _natively(
    x: torch.Tensor, weight: torch.Tensor, bias: Any, strides: Steps, padding: Any
) -> torch.Tensor:
    run: Any = native.Conv2d.apply
    return run(x.to(torch.bfloat16), weight, bias, strides[0], padding)


class DepthwiseConvolution(Convolution):
    """`DepthwiseConv2D`: each channel with kernels of its own."""

    def inference_padding(self, x: torch.Tensor) -> Padding:
        """Returns the padding where nobody asks for gradients: without a copy.

        A kernel with a row and a column of zeros takes no longer, as reading the image
        is the work. Its gradients would take twice as long. An infinite number in the
        image makes those NaN that only the zeros reach.
        """
        (top, bottom), (left, right) = sides = self.sides(x)
        one = 0 <= bottom - top <= 1 and 0 <= right - left <= 1
        fits = one and self.layer.dilation_rate == (1, 1)
        return Padding.in_kernel(sides) if fits else Padding.of(sides)

    def lay_out(self) -> None:
        """Leaves the kernel, `(height, width, channels, multiplier)`, as it lies."""

    @property
    def groups(self) -> int:
        """One a channel."""
        return self.layer.kernel.shape[2]

    def faster(self, x: torch.Tensor, kernel: torch.Tensor) -> Function | None:
        """Returns what convolves with faster gradients than torch's, if it can."""
        layer = self.layer
        known = torch.is_grad_enabled() and layer.dilation_rate == (1, 1)
        narrow = known and native.dtype_of_products(x, kernel) == torch.bfloat16
        slow = narrow and depthwise.is_slow(self.strides, layer.kernel_size)
        return depthwise.convolve if slow else None

    def weight(self, kernel: torch.Tensor) -> torch.Tensor:
        """Returns the kernel as torch's `(channels * multiplier, 1, height, width)`."""
        height, width, *_ = kernel.shape
        return kernel.reshape(height, width, 1, -1).permute(3, 2, 0, 1)

    def scaled(self, kernel: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        """Returns the kernel that gives each output channel times its `scale`."""
        return kernel * scale.view(kernel.shape[2:])


class _DepthwiseHalf(DepthwiseConvolution):
    """The first half of `SeparableConv2D`."""

    @property
    def groups(self) -> int:
        """One a channel."""
        return self.layer.depthwise_kernel.shape[2]


def separable_conv2d(layer: Any) -> Run:
    """Returns how `SeparableConv2D` runs: each channel alone, then all together."""
    last = layer.data_format == "channels_last"
    read, activation = Weights(layer), activation_of(layer)
    first = _DepthwiseHalf(layer)
    lay_out_kernel(layer.pointwise_kernel)

    def run(x: torch.Tensor, *, training: bool) -> torch.Tensor:
        y = first.convolve(x, read(layer.depthwise_kernel), None)
        pointwise = read(layer.pointwise_kernel).permute(3, 2, 0, 1)
        y = functional.conv2d(to_channels_first(y, last), pointwise, read(layer.bias))
        return activation(from_channels_first(y, last))

    return run
