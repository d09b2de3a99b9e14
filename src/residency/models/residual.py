"""What residual networks share: the unit of convolution, the blocks, the sums."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from keras import layers

from residency.models.layout import channel_axis
from residency.models.residual_options import ResidualOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvUnit:
    """Convolution, batch normalisation and, mostly, activation: named as in Keras."""

    options: ResidualOptions
    use_bias: bool = False
    epsilon: float = 1e-5

    def __call__(
        self,
        x: Any,
        filters: int,
        kernel_size: int,
        *,
        activate: bool = True,
        gamma: str = "ones",
        name: str,
        **convolution: Any,
    ) -> Any:
        """Adds the layers.

        Args:
            x: Maps.
            filters: Channels that come out.
            kernel_size: Side of the kernel in pixels.
            activate: With the activation.
            gamma: Where the normalisation's scale starts: `"ones"` or `"zeros"`.
            name: The layers are this with `_conv`, `_bn` and the activation's word.
            **convolution: As for `convolve`.
        """
        x = self.convolve(x, filters, kernel_size, name=name, **convolution)
        x = self.normalize(x, gamma=gamma, name=name)
        return self.activate(x, name=name) if activate else x

    def convolve(
        self,
        x: Any,
        filters: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: str = "same",
        groups: int = 1,
        use_bias: bool | None = None,
        start: str = "he_normal",
        name: str,
    ) -> Any:
        """Adds the convolution alone; `use_bias=None` stands for the unit's own."""
        return layers.Conv2D(
            filters,
            kernel_size,
            strides=stride,
            padding=padding,
            groups=groups,
            use_bias=self.use_bias if use_bias is None else use_bias,
            kernel_initializer=start,
            name=f"{name}_conv",
        )(x)

    def normalize(self, x: Any, *, gamma: str = "ones", name: str) -> Any:
        """Adds the normalisation alone."""
        return layers.BatchNormalization(
            axis=channel_axis(),
            momentum=0.9,
            epsilon=self.epsilon,
            gamma_initializer=gamma,
            name=f"{name}_bn",
        )(x)

    def activate(self, x: Any, *, name: str) -> Any:
        """Adds the activation alone."""
        return self.options.activate(x, name=f"{name}_{self.options.activation}")

    def padded(self, x: Any, filters: int, *, stride: int, name: str, **more: Any):
        """Adds a 3x3 unit whose stride sees one pixel of zeros on every side.

        Keras' `"same"` pads bottom and right only, half a stride off the shortcut.
        """
        padding = "same"
        if stride > 1:
            x, padding = layers.ZeroPadding2D(1, name=f"{name}_pad")(x), "valid"
        return self(x, filters, 3, stride=stride, padding=padding, name=name, **more)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a block stands in its network."""

    stage: int
    """From 0."""
    number: int
    """In its stage, from 1."""
    depth: float
    """Share of all blocks up to this one and with it, in (0, 1]."""

    @property
    def name(self) -> str:
        """The block's name in Keras, such as `"conv2_block1"`."""
        return f"conv{self.stage + 2}_block{self.number}"

    @property
    def stride(self) -> int:
        """2 where a stage after the first one begins."""
        return 2 if self.stage > 0 and self.number == 1 else 1


def places(blocks: Sequence[int]) -> Iterator[Place]:
    """Yields the places of a network with so many blocks a stage.

    Example:

    >>> [(place.name, place.stride, place.depth) for place in places((1, 1))]
    [('conv2_block1', 1, 0.5), ('conv3_block1', 2, 1.0)]
    """
    done = 0
    for stage, number_of_blocks in enumerate(blocks):
        for number in range(1, number_of_blocks + 1):
            done += 1
            yield Place(stage=stage, number=number, depth=done / sum(blocks))


@dataclass(frozen=True, kw_only=True, slots=True)
class Design:
    """What sets one network with its activation after the sum apart."""

    blocks: tuple[int, ...]
    """A stage."""
    bottleneck: bool = True
    """1x1, 3x3 and 1x1; else two 3x3."""
    cardinality: int = 1
    """Groups of the 3x3 of a bottleneck."""
    group_width: int = 64
    """Channels a group in the first stage; doubled in each stage after it."""
    stride_on_3x3: bool = True
    """Of a bottleneck; else on its first 1x1."""
    pooled_shortcut: bool = False
    """A strided shortcut takes the mean of 2x2 pixels; else every second pixel."""
    squeeze_excite: bool = False
    """A residual's channels are weighed before the sum."""


def add_stages(x: Any, design: Design, unit: ConvUnit) -> Any:
    """Adds all blocks of a network."""
    options = unit.options
    residual_of = _bottleneck if design.bottleneck else _basic
    for place in places(design.blocks):
        residual = residual_of(x, place, design, unit)
        if design.squeeze_excite:
            residual = squeeze_excite(residual, name=place.name)
        residual = options.drop(residual, place.depth, name=place.name)
        x = _shortcut(x, residual, place, design, unit)
        x = layers.Add(name=f"{place.name}_add")([x, residual])
        x = options.activate(x, name=f"{place.name}_out")
    return x


def _bottleneck(x: Any, place: Place, design: Design, unit: ConvUnit) -> Any:
    name = place.name
    width = design.cardinality * design.group_width * 2**place.stage
    first = 1 if design.stride_on_3x3 else place.stride
    x = unit(x, width, 1, stride=first, name=f"{name}_1")
    second, groups = place.stride // first, design.cardinality
    x = unit.padded(x, width, stride=second, groups=groups, name=f"{name}_2")
    gamma = unit.options.last_gamma
    filters = 256 * 2**place.stage
    return unit(x, filters, 1, activate=False, gamma=gamma, name=f"{name}_3")


def _basic(x: Any, place: Place, design: Design, unit: ConvUnit) -> Any:
    name, gamma = place.name, unit.options.last_gamma
    filters = design.group_width * 2**place.stage
    x = unit.padded(x, filters, stride=place.stride, name=f"{name}_1")
    return unit(x, filters, 3, activate=False, gamma=gamma, name=f"{name}_2")


def squeeze_excite(x: Any, *, ratio: int = 16, name: str) -> Any:
    """Weighs the channels by what all of the map says (Hu et al., 2018).

    Args:
        x: Maps.
        ratio: Channels over those of the hidden layer.
        name: The layers are this with `_se_squeeze`, `_se_reduce`, `_se_expand` and
            `_se_excite`, as in the EfficientNets of Keras.
    """
    filters = x.shape[channel_axis()]
    weights = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_se_squeeze")(x)
    for width, activation, step in (
        (filters // ratio, "relu", "reduce"),
        (filters, "sigmoid", "expand"),
    ):
        weights = layers.Conv2D(
            width,
            1,
            activation=activation,
            kernel_initializer="he_normal",
            name=f"{name}_se_{step}",
        )(weights)
    return layers.Multiply(name=f"{name}_se_excite")([x, weights])


def _shortcut(
    x: Any, residual: Any, place: Place, design: Design, unit: ConvUnit
) -> Any:
    """Returns a block's input; through a 1x1 convolution where shapes differ."""
    filters = residual.shape[channel_axis()]
    stride, name = place.stride, f"{place.name}_0"
    if stride == 1 and x.shape[channel_axis()] == filters:
        return x
    if stride > 1 and design.pooled_shortcut:
        # "same": the last pixel of an odd side is its own mean
        pool = layers.AveragePooling2D(2, padding="same", name=f"{name}_pool")
        x, stride = pool(x), 1
    return unit(x, filters, 1, stride=stride, activate=False, name=name)
