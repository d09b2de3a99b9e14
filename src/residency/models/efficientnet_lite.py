"""EfficientNet-Lite0: EfficientNet-B0 for devices without a swish.

EfficientNet-B0 (Tan and Le, 2019, table 1) without squeeze-and-excitation and with
relu6 in place of swish. Seven stages of inverted bottleneck blocks: a 1x1 convolution
widens six times, a depthwise one looks around, a 1x1 one narrows without an
activation; the input is added where the shape stays. Zeros fall as in TensorFlow:
where they cannot be split evenly, the odd one is below and to the right.

Layer names are those of `keras.applications.EfficientNetB0`. References:
[EfficientNet](https://arxiv.org/abs/1905.11946),
[EfficientNet-lite](https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite).
"""

from typing import Any

import keras
from keras import layers

from residency.models.interface import classifier, image_input, require_share
from residency.models.layout import channel_axis
from residency.models.preprocessing import PREPROCESSINGS, Preprocessing, resolve

_STAGES = (  # blocks, kernel size, stride of the first block, widening, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_BLOCKS = tuple(
    f"block{stage}{'abcd'[place]}"
    for stage, (blocks, *_) in enumerate(_STAGES, start=1)
    for place in range(blocks)
)


def EfficientNetLite0(
    *,
    dropout: float = 0.2,
    stochastic_depth: float = 0.2,
    num_classes: int = 1000,
    image_size: int | None = 224,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds EfficientNet-Lite0.

    Convolutions start from a cut-off normal distribution by fan-out, as in the
    reference, the last layer from Glorot's uniform one. Batch normalisation has the
    reference's momentum of 0.99, in Keras' terms, and epsilon of 1e-3.

    Args:
        dropout: Share of the features before the last layer that a training step
            leaves out, in [0, 1).
        stochastic_depth: Share of the images for which a training step leaves out the
            last block, in [0, 1); of those before it, evenly less, down to none.
        num_classes: At least 2.
        image_size: Side in pixels, at least 32; `None` for any size.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"lite"`, `"none"` or a
            `Preprocessing`; `None` stands for `"lite"`.
        name: The model's name; `None` for `"efficientnet_lite0"`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: An unknown preprocessing, or values out of range.

    Example:

    >>> EfficientNetLite0().count_params()
    4694024
    """
    require_share("dropout", dropout)
    require_share("stochastic_depth", stochastic_depth)
    chosen = resolve(preprocessing, PREPROCESSINGS["lite"])
    inputs, x = image_input(image_size, chosen, smallest=32)
    x = _conv(x, 32, 3, stride=2, name="stem_conv")
    x = _normalized(x, name="stem_bn", relu="stem_activation")
    x = _blocks(x, stochastic_depth)
    x = _conv(x, 1280, 1, name="top_conv")
    x = _normalized(x, name="top_bn", relu="top_activation")
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    if dropout:
        x = layers.Dropout(dropout, name="top_dropout")(x)
    outputs = classifier(x, num_classes, kernel_initializer="glorot_uniform")
    return keras.Model(inputs, outputs, name=name or "efficientnet_lite0")


def _blocks(x: Any, stochastic_depth: float) -> Any:
    names = iter(_BLOCKS)
    step = stochastic_depth / len(_BLOCKS)
    for number_of_blocks, size, stride, widening, filters in _STAGES:
        for place in range(number_of_blocks):
            name = next(names)
            y = _widened(x, widening, name) if widening > 1 else x
            y = layers.DepthwiseConv2D(
                size,
                strides=stride if place == 0 else 1,
                padding="same",
                use_bias=False,
                depthwise_initializer=_kernels(),
                name=f"{name}_dwconv",
            )(y)
            y = _normalized(y, name=f"{name}_bn", relu=f"{name}_activation")
            y = _conv(y, filters, 1, name=f"{name}_project_conv")
            y = _normalized(y, name=f"{name}_project_bn")
            x = y if place == 0 else _sum(x, y, step * _BLOCKS.index(name), name)
    return x


def _widened(x: Any, widening: int, name: str) -> Any:
    x = _conv(x, widening * x.shape[channel_axis()], 1, name=f"{name}_expand_conv")
    return _normalized(x, name=f"{name}_expand_bn", relu=f"{name}_expand_activation")


def _sum(x: Any, y: Any, left_out: float, name: str) -> Any:
    if left_out:
        one_an_image = (None, 1, 1, 1)
        y = layers.Dropout(left_out, noise_shape=one_an_image, name=f"{name}_drop")(y)
    return layers.Add(name=f"{name}_add")([x, y])


def _conv(x: Any, filters: int, size: int, *, stride: int = 1, name: str) -> Any:
    return layers.Conv2D(
        filters,
        size,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer=_kernels(),
        name=name,
    )(x)


def _kernels() -> Any:
    """Returns a new one: an initializer that is used twice gives the same numbers."""
    return keras.initializers.VarianceScaling(2.0, "fan_out", "truncated_normal")


def _normalized(x: Any, *, name: str, relu: str | None = None) -> Any:
    x = layers.BatchNormalization(
        axis=channel_axis(), momentum=0.99, epsilon=1e-3, name=name
    )(x)
    return layers.ReLU(max_value=6.0, name=relu)(x) if relu else x
