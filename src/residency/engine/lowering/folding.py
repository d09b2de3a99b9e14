"""A convolution with what follows it, as one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from keras.src.backend.common.stateless_scope import in_stateless_scope
from torch.nn import functional

from residency.engine.lowering.activations import IDENTITY, Pointwise
from residency.engine.lowering.bounds import (
    FAR,
    SAFE,
    bound_of,
    keep_bound,
    largest_sum,
    measured_bound,
)
from residency.engine.lowering.call import Run
from residency.engine.lowering.convolution import ALL, Convolution, Steps
from residency.engine.lowering.layout import Padding, every, from_channels_first
from residency.engine.lowering.normalization import BatchNorm
from residency.engine.precision import autocast_dtype

AFTER_SUMS = (IDENTITY, Pointwise("relu"))
"""What torch's convolutions by oneDNN can do after an addition; not with groups."""
CUTS = ("relu", "hardtanh")
"""What gives 0 for NaN in oneDNN's convolutions, and NaN in Keras."""


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
    open_end: tuple[Any, ...]
    """Nothing does."""
    gain: float
    """The most that the kernel makes of numbers up to 1."""
    shift: float
    """The largest bias, in size."""

    def bound(self, image: float, *added: float) -> float:
        """Returns what no sum exceeds in size, from the bounds of what it is of."""
        return self.gain * image + self.shift + sum(added)


@dataclass(eq=False)
class _Folded:
    """A kernel and a bias in Keras' shapes, and what they were made from."""

    kernel: torch.Tensor
    bias: torch.Tensor | None
    values: list[torch.Tensor | None]
    """Held, so that no other tensor gets their ids."""
    state: list[Any]
    packed: _Packed | None = None
    """For the shape that came last."""
    sizes: tuple[float, float] | None = None
    """`gain` and `shift` of each `_Packed`; known after the first."""


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
    alone: bool = False
    """Convolutions alone read the result, and would know how large it is."""
    added_steps: Steps = ALL
    """In inference, of the rows and columns to take of what is added."""
    twice: bool = False
    """Returns a pair, for two readers; then no activation of its own follows."""
    _folded: _Folded | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._kind = self._pointwise()
        self.cuts = self._kind is not None and self._kind.name in CUTS
        self.alone = self.alone and (self.cuts or self._kind == IDENTITY)
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
        bounds = [bound_of(each) for each in (x, *others)]
        dtype = _dtype_of_products(x)
        x, others = x.to(dtype), tuple(self._thinned(each).to(dtype) for each in others)
        if self._kind is not None and _onednn_has(x):
            packed = self._packed(folded, self._kind, x)
            if all(each.shape == packed.shape for each in others):
                bound = self._bound(packed, bounds, x, *others)
                safe = bound < SAFE or not self.cuts
                ending = packed.ending if safe else packed.open_end
                y = self._at_once(packed, ending, x, *others)
                ceiling = self._kind.numbers[1:]
                known = safe and self.alone
                # also where it is not: `y` may be what was added, with its old bound
                keep_bound(y, min((bound, *ceiling)) if known else math.inf)
                return y if safe else y.clamp_(0.0, *ceiling)  # NaN stays NaN
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
        self, packed: _Packed, ending: Any, x: torch.Tensor, *others: torch.Tensor
    ) -> torch.Tensor:
        x = packed.padding.image(self._channels_first(x))
        x = x.contiguous(memory_format=torch.channels_last)
        last = self.convolution.layer.data_format == "channels_last"
        onednn = torch.ops.mkldnn
        if not others:
            y = onednn._convolution_pointwise(x, *packed.arguments, *ending)
            return from_channels_first(y, last)
        added = self._channels_first(others[0])
        own = added.contiguous(memory_format=torch.channels_last)
        arguments = (*packed.arguments, "add", 1.0, *ending)
        if self.into_added or own is not added:
            y = onednn._convolution_pointwise_.binary(own, x, *arguments)
        else:
            y = onednn._convolution_pointwise.binary(x, own, *arguments)
        return from_channels_first(y, last)

    def _bound(
        self, packed: _Packed, known: Sequence[float], *tensors: torch.Tensor
    ) -> float:
        """Returns what no sum exceeds in size; looks at the tensors if it has to.

        Not where the image is much larger than the result: to go over that is less.
        """
        bound = packed.bound(*known)
        wanted = self.cuts or self.alone
        much = tensors[0].numel() > 2 * packed.shape.numel()
        if bound < SAFE or not wanted or (much and not known[0] < FAR):
            return bound
        return packed.bound(*map(measured_bound, tensors, known))

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
        bias = None if folded.bias is None else folded.bias.to(x.dtype)
        if folded.sizes is None:
            shift = 0.0 if bias is None else float(bias.detach().abs().max())
            folded.sizes = largest_sum(weight), shift
        gain, shift = folded.sizes
        weight = torch.ops.mkldnn._reorder_convolution_weight(
            weight.contiguous(memory_format=torch.channels_last),
            *geometry,
            list(images.shape),
        )
        nothing = None if self._adds else IDENTITY.name
        name = nothing if kind == IDENTITY else kind.name
        return _Packed(
            key=(x.dtype, x.shape),
            shape=from_channels_first(meant, last).shape,
            padding=padding,
            arguments=(weight, bias, *geometry),
            ending=(name, list(kind.numbers), ""),
            open_end=(nothing, [], ""),
            gain=gain,
            shift=shift,
        )

    def _fold(self) -> _Folded:
        """Returns the joint kernel of what the variables hold now."""
        # Not `.value`, which costs as much as a small convolution, if Keras has no
        # other values for the variables.
        name = "value" if in_stateless_scope() else "_value"
        values: list[Any] = [
            None if v is None else getattr(v, name) for v in self._variables
        ]
        epsilon = 0.0 if self.norm is None else self.norm.layer.epsilon
        state: list[Any] = [
            (id(v), v.data_ptr(), v._version) if v is not None else None for v in values
        ]
        state.append(epsilon)
        folded = self._folded  # another thread may take it away
        if folded is None or folded.state != state:
            kernel, bias, *statistics = values
            if self.norm is not None:
                scale, shift = _scale_and_shift(bias, *statistics, epsilon=epsilon)
                # in the kernel's own order in memory
                whole = torch.empty_like(kernel)
                kernel = whole.copy_(self.convolution.scaled(kernel, scale))
                bias = shift.to(kernel.dtype)
            folded = self._folded = _Folded(kernel, bias, values, state)
        return folded


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
    if torch.compiler.is_compiling():  # there are no numbers yet to look at
        return False
    if x.dtype == torch.bfloat16:
        return _onednn_has_bfloat16()
    return x.dtype == torch.float32


@cache
def _onednn_has_bfloat16() -> bool:
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()
