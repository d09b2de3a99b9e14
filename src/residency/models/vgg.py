"""VGG-16 and 19, the paper's D and E (Simonyan and Zisserman, 2014, table 1).

Layer names and weights are those of `keras.applications`, so that weights travel by
name. With batch normalisation they follow torchvision: between convolution and relu,
the convolutions keep their biases. Reference:
[Very Deep Convolutional Networks](https://arxiv.org/abs/1409.1556).
"""

from typing import Any

import keras
from keras import layers

from residency.models.interface import (
    classifier,
    image_input,
    require_fixed_size,
    require_share,
)
from residency.models.layout import channel_axis
from residency.models.preprocessing import PREPROCESSINGS, Preprocessing, resolve

_FILTERS = (64, 128, 256, 512, 512)


def VGG16(
    batch_norm: bool = False,
    *,
    dropout: float = 0.5,
    num_classes: int = 1000,
    image_size: int = 224,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds VGG-16.

    Weights start from He's normal distribution by fan-in; the paper started the deep
    nets from trained shallow ones. Batch normalisation has a momentum of 0.9 in
    Keras' terms.

    Args:
        batch_norm: Batch normalisation after every convolution; not in the paper.
        dropout: Share of the two hidden dense layers that a training step leaves out,
            in [0, 1); 0.5 in the paper, 0 in `keras.applications`.
        num_classes: At least 2.
        image_size: Side in pixels, at least 32; the first dense layer is made for it.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"none"` or a `Preprocessing`;
            `None` stands for `"torch"`. Weights from `keras.applications` need
            `"caffe"`.
        name: The model's name; `None` for `"vgg16"` or `"vgg16_bn"`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: An open image size, an unknown preprocessing, or values out of
            range.

    Example:

    >>> VGG16(num_classes=10, image_size=32).count_params()
    33638218
    """
    return _vgg(
        (2, 2, 3, 3, 3),
        batch_norm,
        dropout,
        num_classes,
        image_size,
        preprocessing,
        name or ("vgg16_bn" if batch_norm else "vgg16"),
    )


def VGG19(
    batch_norm: bool = False,
    *,
    dropout: float = 0.5,
    num_classes: int = 1000,
    image_size: int = 224,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds VGG-19; arguments as for `VGG16`."""
    return _vgg(
        (2, 2, 4, 4, 4),
        batch_norm,
        dropout,
        num_classes,
        image_size,
        preprocessing,
        name or ("vgg19_bn" if batch_norm else "vgg19"),
    )


def _vgg(
    convolutions: tuple[int, ...],
    batch_norm: bool,
    dropout: float,
    num_classes: int,
    image_size: int,
    preprocessing: str | Preprocessing | None,
    name: str,
) -> keras.Model:
    require_fixed_size("VGG", image_size, smallest=32)
    require_share("dropout", dropout)
    chosen = resolve(preprocessing, PREPROCESSINGS["torch"])
    inputs, x = image_input(image_size, chosen, smallest=32)
    for block, number in enumerate(convolutions, start=1):
        for place in range(1, number + 1):
            conv_name = f"block{block}_conv{place}"
            x = _conv(x, _FILTERS[block - 1], batch_norm, name=conv_name)
        x = layers.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
    x = layers.Flatten(name="flatten")(x)
    for dense_name in ("fc1", "fc2"):
        x = layers.Dense(
            4096, activation="relu", kernel_initializer="he_normal", name=dense_name
        )(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"{dense_name}_dropout")(x)
    outputs = classifier(x, num_classes, kernel_initializer="he_normal")
    return keras.Model(inputs, outputs, name=name)


def _conv(x: Any, filters: int, batch_norm: bool, *, name: str) -> Any:
    x = layers.Conv2D(
        filters,
        3,
        padding="same",
        activation=None if batch_norm else "relu",
        kernel_initializer="he_normal",
        name=name,
    )(x)
    if not batch_norm:
        return x
    x = layers.BatchNormalization(
        axis=channel_axis(), momentum=0.9, epsilon=1e-5, name=f"{name}_bn"
    )(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)
