"""A convolution with what follows it, as one."""

from typing import Any

import torch

from residency.engine.lowering.activations import IDENTITY, Pointwise
from residency.engine.lowering.call import Run
from residency.engine.lowering.convolution import Convolution
from residency.engine.lowering.layout import from_channels_first
from residency.engine.lowering.normalization import BatchNorm


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

    Args:
        convolution: Comes first.
        norm: Perhaps with an addition and a rectifier of its own.
        activation: How the activation after them runs, and what oneDNN calls it.
        into_added: In inference the result may take the memory of what is added:
            nobody reads that afterwards.
    """

    def __init__(
        self,
        convolution: Convolution,
        norm: BatchNorm | None = None,
        activation: tuple[Run, Pointwise] | None = None,
        *,
        into_added: bool = False,
    ) -> None:
        self.convolution = convolution
        self.norm = norm
        self.activation = activation
        self.into_added = into_added
        self._values: list[Any] = []  # held, so that no other tensor gets their ids
        self._made_from: tuple[tuple[int, int, int], ...] = ()
        self._folded: tuple[torch.Tensor, torch.Tensor | None] | None = None
        self._packed: dict[Any, tuple[torch.Tensor, torch.Tensor | None]] = {}

    def __call__(
        self, x: torch.Tensor, *others: torch.Tensor, training: bool
    ) -> torch.Tensor:
        """Returns what the Keras layers return."""
        if training or torch.is_grad_enabled():
            self._folded = None
            y = self._with_gradients(x, *others, training=training)
            return (
                y if self.activation is None else self.activation[0](y, training=False)
            )
        kernel, bias = self._kernel_and_bias()
        dtype = _dtype_of_products(x)
        x, others = x.to(dtype), tuple(each.to(dtype) for each in others)
        kind = self._pointwise()
        if kind is not None and _onednn_has(x):
            return self._at_once(x, kernel, bias, kind, *others)
        bias = None if bias is None else bias.to(dtype)
        y = self.convolution.convolve(x, kernel.to(dtype), bias)
        if self.norm is None:
            y = self.convolution.activation(y)
        else:
            y = self.norm.finish(y, *others)
        return y if self.activation is None else self.activation[0](y, training=False)

    def _with_gradients(
        self, x: torch.Tensor, *others: torch.Tensor, training: bool
    ) -> torch.Tensor:
        norm = self.norm
        if norm is not None and norm.is_native(training):
            y = norm.after(self.convolution, x, *others)
            if y is not None:
                return y
        y = self.convolution(x, training=training)
        return y if norm is None else norm(y, *others, training=training)

    def _pointwise(self) -> Pointwise | None:
        """Returns what comes last, in oneDNN's words; `None`: it has none for it."""
        if self.activation is not None:
            return self.activation[1]
        if self.norm is not None:
            return Pointwise.of_rectifier(self.norm.rectifier)
        return Pointwise.of(self.convolution.layer.activation)

    def _at_once(
        self,
        x: torch.Tensor,
        kernel: torch.Tensor,
        bias: torch.Tensor | None,
        kind: Pointwise,
        *others: torch.Tensor,
    ) -> torch.Tensor:
        conv = self.convolution
        layer = conv.layer
        last = layer.data_format == "channels_last"
        x, padding = conv.padded(x)
        x = x.contiguous(memory_format=torch.channels_last)
        strides, dilation = list(layer.strides), list(layer.dilation_rate)
        geometry = (list(padding), strides, dilation, conv.groups)
        key = (x.dtype, x.shape)
        if key not in self._packed:
            weight = conv.weight(kernel.to(x.dtype))
            weight = torch.ops.mkldnn._reorder_convolution_weight(
                weight.contiguous(memory_format=torch.channels_last),
                *geometry,
                list(x.shape),
            )
            self._packed = {key: (weight, None if bias is None else bias.to(x.dtype))}
        packed = self._packed[key]
        if not others:
            y = torch.ops.mkldnn._convolution_pointwise(
                x, *packed, *geometry, kind.name, list(kind.numbers), ""
            )
            return from_channels_first(y, last)
        added = others[0].permute(0, 3, 1, 2) if last else others[0]
        name = None if kind == IDENTITY else kind.name
        ending = (*packed, *geometry, "add", 1.0, name, list(kind.numbers), "")
        onednn = torch.ops.mkldnn
        if self.into_added and added.is_contiguous(memory_format=torch.channels_last):
            y = onednn._convolution_pointwise_.binary(added, x, *ending)
        else:
            added = added.contiguous(memory_format=torch.channels_last)
            y = onednn._convolution_pointwise.binary(x, added, *ending)
        return from_channels_first(y, last)

    def _kernel_and_bias(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        conv = self.convolution.layer
        variables = [conv.kernel, conv.bias]
        if self.norm is not None:
            norm = self.norm.layer
            variables += [norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance]
        values: list[Any] = [None if v is None else v.value for v in variables]
        state = tuple(
            (id(v), v.data_ptr(), v._version) for v in values if v is not None
        )
        if self._folded is None or state != self._made_from:
            self._folded = self._fold(*values)
            self._values, self._made_from, self._packed = values, state, {}
        return self._folded

    def _fold(
        self, kernel: torch.Tensor, bias: torch.Tensor | None, *statistics: Any
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        if self.norm is None:
            return kernel, bias
        gamma, beta, mean, variance = statistics
        scale = (variance.double() + self.norm.layer.epsilon).rsqrt()
        scale = scale if gamma is None else scale * gamma
        shift = (-mean if bias is None else bias - mean) * scale
        shift = shift if beta is None else shift + beta
        # in the kernel's own order in memory
        folded = torch.empty_like(kernel)
        return folded.copy_(self.convolution.scaled(kernel, scale)), shift.to(
            kernel.dtype
        )


def _dtype_of_products(x: torch.Tensor) -> torch.dtype:
    kind = x.device.type
    return (
        torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
    )


def _onednn_has(x: torch.Tensor) -> bool:
    """Tells whether oneDNN convolves such tensors here."""
    if x.device.type != "cpu" or x.numel() == 0 or not torch.backends.mkldnn.enabled:
        return False
    if x.dtype == torch.bfloat16:
        return torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return x.dtype == torch.float32
