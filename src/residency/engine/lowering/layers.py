"""How each Keras layer runs in torch; Keras' layouts, paddings and dtypes."""

from collections.abc import Callable
from typing import Any

import keras
import torch
from keras import layers
from keras.src.backend.common.variables import AutocastScope
from torch.nn import functional

from residency.engine.lowering.call import Run
from residency.engine.lowering.normalization import batch_norm

AS_WRITTEN = (
    "activations",
    "convolutional",
    "merging",
    "normalization",
    "pooling",
    "regularization",
    "reshaping",
)
"""Packages of `keras.layers` whose layers are thin: their `call` runs directly, without
the checks and conversions around it."""


def compile_operation(
    operation: Any, args: Any, kwargs: Any, dtype: str | None
) -> tuple[Run, bool]:
    """Returns how an operation of the graph runs, and whether Keras runs it whole.

    Args:
        operation: A Keras layer, model or operation.
        args: Its positional arguments, symbolic tensors among them.
        kwargs: Its named arguments.
        dtype: To which the model around it casts the variables among the arguments of
            operations; `None`: it does not.
    """
    plain = len(args) == 1 and takes_tensors_only(kwargs)
    if isinstance(operation, layers.Layer):
        if plain and not is_special(operation):
            first = keras.tree.flatten(args[0])
            run = _known_layer(operation)
            if run is not None:
                return _with_casts(operation, run, first, args[0]), False
        return _as_keras_calls_it(operation, args, kwargs, dtype), True
    return _as_keras_calls_it(operation, args, kwargs, dtype), False


def takes_tensors_only(kwargs: Any) -> bool:
    """Tells whether a call names nothing beside `training`, which each call sets."""
    named = {key: value for key, value in kwargs.items() if key != "training"}
    return all(value is None for value in keras.tree.flatten(named))  # masks, say


def _known_layer(layer: layers.Layer) -> Run | None:
    build = TABLE.get(type(layer))
    run = build(layer) if build else None
    if run is not None:
        return run
    package = type(layer).__module__.removeprefix("keras.src.layers.").split(".")[0]
    thin = package in AS_WRITTEN or type(layer) in (
        layers.Identity,
        layers.Normalization,
        layers.Rescaling,
    )
    mixed = layer.variables and layer.compute_dtype != layer.variable_dtype
    return _own_call(layer) if thin and not mixed else None


def is_special(layer: Any) -> bool:
    """Tells whether Keras does more around this layer's `call` than run it."""
    return bool(
        layer.activity_regularizer is not None
        or getattr(layer, "lora_enabled", False)
        or getattr(layer, "quantization_mode", None)
        or not getattr(layer.call, "runs_the_graph", "call" not in vars(layer))
        or layer._forward_hooks
        or layer._forward_pre_hooks
    )


def _own_call(layer: Any) -> Run:
    if layer._call_has_training_arg:
        return lambda x, *, training: layer.call(x, training=training)
    return lambda x, *, training: layer.call(x)


def needs_cast(layer: Any, tensors: list[Any]) -> list[bool]:
    """Tells, for each symbolic tensor that a layer takes, whether Keras casts it."""
    return [
        layer.autocast
        and keras.backend.is_float_dtype(x.dtype)
        and x.dtype != layer.input_dtype
        for x in tensors
    ]


def _with_casts(layer: Any, run: Run, tensors: list[Any], struct: Any) -> Run:
    """Adds what Keras does to a layer's inputs: casts, lists of tensors."""
    cast = needs_cast(layer, tensors)
    single = isinstance(struct, keras.KerasTensor)
    if single and not any(cast):
        return run
    dtype = getattr(torch, layer.input_dtype)

    def around(*xs: Any, training: bool) -> Any:
        pairs = zip(xs, cast, strict=True)
        xs = tuple(x.to(dtype) if wanted else x for x, wanted in pairs)
        given = xs[0] if single else keras.tree.pack_sequence_as(struct, xs)
        return run(given, training=training)

    return around


def settings(layer: Any) -> tuple[Any, ...]:
    """Returns what decides how a layer is lowered and may be set at any time."""
    own = vars(layer)
    return (
        own.get("activation"),
        own.get("activity_regularizer"),
        own.get("_dtype_policy"),
        own.get("lora_enabled"),
        own.get("call"),
        bool(layer._forward_hooks or layer._forward_pre_hooks),
    )


def _as_keras_calls_it(
    operation: Any, args: Any, kwargs: Any, dtype: str | None
) -> Run:
    """Returns a run through `operation.__call__`, tensors put where they belong."""
    symbolic = [
        x
        for x in keras.tree.flatten((args, kwargs))
        if isinstance(x, keras.KerasTensor)
    ]
    order = {id(x): n for n, x in reversed(list(enumerate(symbolic)))}
    takes_training = "training" in getattr(operation, "_call_context_args", ())

    def run(*tensors: torch.Tensor, training: bool) -> Any:
        def fill(x: Any) -> Any:
            if isinstance(x, keras.Variable):
                with AutocastScope(dtype):
                    return x.value
            return tensors[order[id(x)]] if isinstance(x, keras.KerasTensor) else x

        given: Any = keras.tree.map_structure(fill, args)
        named: Any = keras.tree.map_structure(fill, kwargs)
        if takes_training:
            named = named | {"training": training}
        return operation(*given, **named)

    return run


def to_channels_first(x: torch.Tensor, channels_last: bool) -> torch.Tensor:
    """Returns `(batch, channels, height, width)`, channels last in memory."""
    if channels_last:
        return x.permute(0, 3, 1, 2)
    return x.contiguous(memory_format=torch.channels_last)


def from_channels_first(x: torch.Tensor, channels_last: bool) -> torch.Tensor:
    """Returns the axes to Keras' order."""
    return x.permute(0, 2, 3, 1) if channels_last else x


def _lay_out_kernel(variable: Any) -> None:
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


def _padded(
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


def _activation(layer: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    """Returns a layer's activation; under autocast, probabilities stay float32."""
    given = getattr(layer, "activation", None)
    if given is None or given is keras.activations.linear:
        return lambda x: x
    if given is keras.activations.relu:
        return torch.relu
    if layer.compute_dtype == "float32":
        return lambda x: given(x.float())
    return given


class _Weights:
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
    """`Conv2D`, on an image with `zeros` more rows and columns on every side."""

    def __init__(self, layer: Any, zeros: tuple[int, int] = (0, 0)) -> None:
        self.layer = layer
        self.zeros = zeros
        self.read = _Weights(layer)
        self.activation = _activation(layer)
        self.lay_out()

    def lay_out(self) -> None:
        """Puts the kernel in the order in memory in which it is read."""
        _lay_out_kernel(self.layer._kernel)

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

    def padded(self, x: torch.Tensor) -> tuple[torch.Tensor, tuple[int, int]]:
        """Returns `x` channels first and the zeros per side that are left to add."""
        layer = self.layer
        x = to_channels_first(x, layer.data_format == "channels_last")
        if layer.padding == "same":
            return _padded(x, layer.kernel_size, layer.strides, layer.dilation_rate)
        return x, self.zeros

    def convolve(
        self, x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        """Returns the convolution with this kernel, in Keras' shape."""
        layer = self.layer
        x, padding = self.padded(x)
        y = functional.conv2d(
            x,
            self.weight(kernel),
            bias,
            layer.strides,
            padding,
            layer.dilation_rate,
            self.groups,
        )
        return from_channels_first(y, layer.data_format == "channels_last")


class DepthwiseConvolution(Convolution):
    """`DepthwiseConv2D`: each channel with kernels of its own."""

    def lay_out(self) -> None:
        """Leaves the kernel, `(height, width, channels, multiplier)`, as it lies."""

    @property
    def groups(self) -> int:
        """One a channel."""
        return self.layer.kernel.shape[2]

    def weight(self, kernel: torch.Tensor) -> torch.Tensor:
        """Returns the kernel as torch's `(channels * multiplier, 1, height, width)`."""
        height, width, *_ = kernel.shape
        return kernel.reshape(height, width, 1, -1).permute(3, 2, 0, 1)

    def scaled(self, kernel: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        """Returns the kernel that gives each output channel times its `scale`."""
        return kernel * scale.view(kernel.shape[2:])


def _depthwise(
    x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor | None, layer: Any
) -> torch.Tensor:
    """Convolves each channel of `x`, channels first, with its own kernels."""
    height, width, channels, multiplier = kernel.shape
    weight = kernel.reshape(height, width, 1, channels * multiplier).permute(3, 2, 0, 1)
    padding = (0, 0)
    if layer.padding == "same":
        x, padding = _padded(x, (height, width), layer.strides, layer.dilation_rate)
    return functional.conv2d(
        x, weight, bias, layer.strides, padding, layer.dilation_rate, channels
    )


def _separable_conv2d(layer: Any) -> Run:
    last = layer.data_format == "channels_last"
    read, activation = _Weights(layer), _activation(layer)
    _lay_out_kernel(layer.pointwise_kernel)

    def run(x: torch.Tensor, *, training: bool) -> torch.Tensor:
        y = _depthwise(
            to_channels_first(x, last), read(layer.depthwise_kernel), None, layer
        )
        pointwise = read(layer.pointwise_kernel).permute(3, 2, 0, 1)
        y = functional.conv2d(y, pointwise, read(layer.bias))
        return activation(from_channels_first(y, last))

    return run


def _dense(layer: Any) -> Run:
    read, activation = _Weights(layer), _activation(layer)

    def run(x: torch.Tensor, *, training: bool) -> torch.Tensor:
        return activation(
            functional.linear(x, read(layer.kernel).t(), read(layer.bias))
        )

    return run


def _pooling(pool: Callable[..., torch.Tensor], **options: Any) -> Callable[[Any], Run]:
    def build(layer: Any) -> Run:
        last, same = layer.data_format == "channels_last", layer.padding == "same"
        size, strides = layer.pool_size, layer.strides

        def run(x: torch.Tensor, *, training: bool) -> torch.Tensor:
            if size == (1, 1):
                rows, columns = (slice(None, None, stride) for stride in strides)
                return x[:, rows, columns] if last else x[:, :, rows, columns]
            x, padding = to_channels_first(x, last), 0
            if same:
                x, padding = _padded(x, size, strides, mode="replicate")
            return from_channels_first(pool(x, size, strides, padding, **options), last)

        return run

    return build


def _rescaling(layer: Any) -> Run | None:
    if keras.config.image_data_format() == "channels_first":
        return None
    dtype = getattr(torch, layer.compute_dtype)
    there: dict[torch.device, list[Any]] = {}

    def run(x: torch.Tensor, *, training: bool) -> torch.Tensor:
        if x.device not in there:  # once: a recorded step may copy nothing from here
            there[x.device] = [
                torch.as_tensor(number, dtype=dtype, device=x.device)
                for number in (layer.scale, layer.offset)
            ]
        scale, offset = there[x.device]
        return x.to(dtype) * scale + offset

    return run


def _activation_layer(layer: Any) -> Run:
    activation = _activation(layer)
    return lambda x, *, training: activation(x)


TABLE: dict[type, Callable[[Any], Run | None]] = {
    layers.Activation: _activation_layer,
    layers.AveragePooling2D: _pooling(functional.avg_pool2d, count_include_pad=False),
    layers.BatchNormalization: batch_norm,
    layers.Conv2D: Convolution,
    layers.Dense: _dense,
    layers.DepthwiseConv2D: DepthwiseConvolution,
    layers.MaxPooling2D: _pooling(functional.max_pool2d),
    layers.Rescaling: _rescaling,
    layers.SeparableConv2D: _separable_conv2d,
}
"""Layers with a torch form of their own; a builder may leave a case to Keras: `None`.
Exact types only: a subclass may do anything."""
