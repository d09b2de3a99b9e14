"""A convolution with what follows it, as one."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from keras.src.backend.common.stateless_scope import in_stateless_scope
from torch.nn import functional

from residency.engine.lowering.activations import IDENTITY, Pointwise
from residency.engine.lowering.call import Run
from residency.engine.lowering.convolution import ALL, Convolution, Steps
from residency.engine.lowering.layout import Padding, every, from_channels_first
from residency.engine.lowering.normalization import BatchNorm
from residency.engine.precision import autocast_dtype

AFTER_SUMS = (IDENTITY, Pointwise("relu"))
"""What torch's convolutions by oneDNN can do after an addition; not with groups."""


@dataclass(frozen=True, eq=False)
class _Packed:
    """What oneDNN's convolution takes beside the images, for one shape of them."""

    key: tuple[torch.dtype, torch.Size]
    shape: torch.Size
    """Of the result, in Keras' order."""
    padding: Padding
    arguments: tuple[Any, ...]
    """Kernel, bias and geometry."""
    ending: tuple[Any, ...]
    """What follows the sum."""


@dataclass(eq=False)
class _Folded:
    """A kernel and a bias in Keras' shapes, and what they were made from."""

    kernel: torch.Tensor
    bias: torch.Tensor | None
    values: list[torch.Tensor | None]
    """Held, so that no other tensor gets their ids."""
    state: list[tuple[int, int, int] | None]
    packed: _Packed | None = None
    """For the shape that came last."""


@dataclass(eq=False)
class FoldedConvolution:
    """Convolution, batch normalization, addition, activation: all but the first if any.

    In training one after the other, the first two natively as one where that is known.
    In inference without gradients at once: the normalization goes into the kernel, the
    rest is oneDNN's work where oneDNN has the processor.

    The joint kernel is made when first needed, and anew after a training pass or when
    one of the variables behind it changed: torch counts the changes of a tensor in
    place. It does not count those by its fused optimizers, which come with a training
    pass, nor those through `.data` or `.numpy()`: call the module in training mode once
    after such a change.
    """

    convolution: Convolution
    norm: BatchNorm | None = None
    """Perhaps with an addition and a rectifier of its own."""
    activation: tuple[Run, Pointwise] | None = None
    """How the activation after them runs, and what oneDNN calls it."""
    into_added: bool = False
    """In inference the result may take the memory of what is added: nobody reads that
    afterwards."""
    strides: Steps = ALL
    """In inference."""
    added_steps: Steps = ALL
    """In inference, of the rows and columns to take of what is added."""
    twice: bool = False
    """Returns a pair, for two readers; then no activation of its own follows."""
    _folded: _Folded | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._kind = self._pointwise()
        layer = self.convolution.layer
        self._variables = [layer.kernel, layer.bias]
        if self.norm is not None:
            norm = self.norm.layer
            statistics = [norm.moving_mean, norm.moving_variance]
            self._variables += [*statistics, norm.gamma, norm.beta]

    def __call__(self, x: torch.Tensor, *others: torch.Tensor, training: bool) -> Any:
        """Returns what the Keras layers return."""
        y = self._run(x, *others, training=training)
        return (y, y) if self.twice and not isinstance(y, tuple) else y

    def _run(self, x: torch.Tensor, *others: torch.Tensor, training: bool) -> Any:
        if training or torch.is_grad_enabled():
            self._folded = None
            y = self._with_gradients(x, *others, training=training)
            return self._activated(y)
        folded = self._fold()
        dtype = _dtype_of_products(x)
        x, others = x.to(dtype), tuple(self._thinned(each).to(dtype) for each in others)
        if self._kind is not None and _onednn_has(x):
            packed = self._packed(folded, self._kind, x)
            if all(each.shape == packed.shape for each in others):
                return self._at_once(packed, x, *others)
        kernel, bias = folded.kernel.to(dtype), folded.bias
        bias = None if bias is None else bias.to(dtype)
        y = self.convolution.convolve(x, kernel, bias, self.strides)
        if self.norm is None:
            return self._activated(self.convolution.activation(y))
        return self._activated(self.norm.finish(y, *others))

    def _with_gradients(
        self, x: torch.Tensor, *others: torch.Tensor, training: bool
    ) -> Any:
        norm = self.norm
        if norm is not None and norm.is_native(training):
            y = norm.after(self.convolution, x, *others, twice=self.twice)
            if y is not None:
                return y
        y = self.convolution(x, training=training)
        return y if norm is None else norm(y, *others, training=training)

    def _activated(self, y: torch.Tensor) -> torch.Tensor:
        return y if self.activation is None else self.activation[0](y, training=False)

    def _pointwise(self) -> Pointwise | None:
        """Returns what comes last, in oneDNN's words; `None`: it has none for it."""
        if self.activation is not None:
            found = self.activation[1]
        elif self.norm is not None:
            found = Pointwise.of_rectifier(self.norm.rectifier)
        else:
            found = Pointwise.of(self.convolution.layer.activation)
        if self._adds and (found not in AFTER_SUMS or self.convolution.groups > 1):
            return None
        return found

    @property
    def _adds(self) -> bool:
        return self.norm is not None and self.norm.residual

    def _thinned(self, added: torch.Tensor) -> torch.Tensor:
        if self.added_steps == ALL:
            return added
        last = self.convolution.layer.data_format == "channels_last"
        y = every(self._channels_first(added), self.added_steps)
        return from_channels_first(y, last)

    def _at_once(
        self, packed: _Packed, x: torch.Tensor, *others: torch.Tensor
    ) -> torch.Tensor:
        x = packed.padding.image(self._channels_first(x))
        x = x.contiguous(memory_format=torch.channels_last)
        last = self.convolution.layer.data_format == "channels_last"
        onednn = torch.ops.mkldnn
        if not others:
            y = onednn._convolution_pointwise(x, *packed.arguments, *packed.ending)
            return from_channels_first(y, last)
        added = self._channels_first(others[0])
        own = added.contiguous(memory_format=torch.channels_last)
        arguments = (*packed.arguments, "add", 1.0, *packed.ending)
        if self.into_added or own is not added:
            y = onednn._convolution_pointwise_.binary(own, x, *arguments)
        else:
            y = onednn._convolution_pointwise.binary(x, own, *arguments)
        return from_channels_first(y, last)

    def _channels_first(self, x: torch.Tensor) -> torch.Tensor:
        last = self.convolution.layer.data_format == "channels_last"
        return x.permute(0, 3, 1, 2) if last else x

    def _packed(self, folded: _Folded, kind: Pointwise, x: torch.Tensor) -> _Packed:
        """Returns what goes with images of this shape and dtype."""
        packed = folded.packed
        if packed is None or packed.key != (x.dtype, x.shape):
            packed = folded.packed = self._pack(folded, kind, x)
        return packed

    def _pack(self, folded: _Folded, kind: Pointwise, x: torch.Tensor) -> _Packed:
        conv, layer = self.convolution, self.convolution.layer
        last = layer.data_format == "channels_last"
        images = self._channels_first(x)
        padding = conv.inference_padding(images)
        images = padding.image(images)
        strides, dilation = list(self.strides), list(layer.dilation_rate)
        geometry = list(padding.each), strides, dilation, conv.groups
        weight = padding.kernel(conv.weight(folded.kernel.to(x.dtype)))
        meant = functional.conv2d(
            images.to("meta"),
            weight.to("meta"),
            None,
            strides,
            padding.each,
            dilation,
            conv.groups,
        )
        weight = torch.ops.mkldnn._reorder_convolution_weight(
            weight.contiguous(memory_format=torch.channels_last),
            *geometry,
            list(images.shape),
        )
        bias = None if folded.bias is None else folded.bias.to(x.dtype)
        name = None if self._adds and kind == IDENTITY else kind.name
        return _Packed(
            key=(x.dtype, x.shape),
            shape=from_channels_first(meant, last).shape,
            padding=padding,
            arguments=(weight, bias, *geometry),
            ending=(name, list(kind.numbers), ""),
        )

    def _fold(self) -> _Folded:
        """Returns the joint kernel of what the variables hold now."""
        # Not `.value`, which costs as much as a small convolution, if Keras has no
        # other values for the variables.
        name = "value" if in_stateless_scope() else "_value"
        values: list[Any] = [
            None if v is None else getattr(v, name) for v in self._variables
        ]
        state = [
            (id(v), v.data_ptr(), v._version) if v is not None else None for v in values
        ]
        if self._folded is None or self._folded.state != state:
            kernel, bias, *statistics = values
            if self.norm is not None:
                epsilon = self.norm.layer.epsilon
                scale, shift = _scale_and_shift(bias, *statistics, epsilon=epsilon)
                # in the kernel's own order in memory
                whole = torch.empty_like(kernel)
                kernel = whole.copy_(self.convolution.scaled(kernel, scale))
                bias = shift.to(kernel.dtype)
            self._folded = _Folded(kernel, bias, values, state)
        return self._folded


def _scale_and_shift(
    bias: torch.Tensor | None,
    mean: torch.Tensor,
    variance: torch.Tensor,
    gamma: torch.Tensor | None,
    beta: torch.Tensor | None,
    epsilon: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns what normalization times a kernel with, and the new bias, in float64."""
    scale = (variance.double() + epsilon).rsqrt()
    scale = scale if gamma is None else scale * gamma
    shift = (-mean if bias is None else bias - mean) * scale
    shift = shift if beta is None else shift + beta
    return scale, shift


def _dtype_of_products(x: torch.Tensor) -> torch.dtype:
    dtype = autocast_dtype(x.device)
    return x.dtype if dtype is None else dtype


def _onednn_has(x: torch.Tensor) -> bool:
    """Tells whether oneDNN convolves such tensors here."""
    if x.device.type != "cpu" or x.numel() == 0 or not torch.backends.mkldnn.enabled:
        return False
    if x.dtype == torch.bfloat16:
        return _onednn_has_bfloat16()
    return x.dtype == torch.float32


@cache
def _onednn_has_bfloat16() -> bool:
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()
