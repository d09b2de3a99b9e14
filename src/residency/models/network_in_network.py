"""Network in Network for small images (Lin et al., 2013).

Three times a convolution with two 1x1 ones behind it; the first network that averages
its last maps. There the last 1x1 convolution gives one map a class, behind a relu, and
their means are the logits. Here the means come first and a dense layer after them,
without the relu: the same weights, and a class that is below 0 everywhere still learns.
The second pooling keeps to whole windows; on averages over the edge Keras' backends
disagree. Reference: [Network In Network](https://arxiv.org/abs/1312.4400).
"""

from typing import Any

import keras
from keras import layers

from residency.models.interface import classifier, image_input, require_share
from residency.models.preprocessing import CIFAR10, Preprocessing, resolve


def NetworkInNetwork(
    *,
    dropout: float = 0.5,
    num_classes: int = 10,
    image_size: int | None = 32,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds the network that its authors released for CIFAR-10.

    Weights start from He's normal distribution by fan-in.

    Args:
        dropout: Share that a training step leaves out after the first and the second
            pooling, in [0, 1).
        num_classes: At least 2.
        image_size: Side in pixels, at least 8; `None` for any size.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"lite"`, `"none"` or a
            `Preprocessing`; `None` stands for the mean and deviation of CIFAR-10.
        name: The model's name; `None` for `"network_in_network"`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: An unknown preprocessing, or values out of range.

    Example:

    >>> NetworkInNetwork().count_params()
    966986
    """
    require_share("dropout", dropout)
    inputs, x = image_input(image_size, resolve(preprocessing, CIFAR10), smallest=8)
    x = _convs(x, 5, (192, 160, 96), name="block1")
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="block1_pool")(x)
    x = _dropped(x, dropout, name="block1_dropout")
    x = _convs(x, 5, (192, 192, 192), name="block2")
    x = layers.AveragePooling2D(3, strides=2, name="block2_pool")(x)
    x = _dropped(x, dropout, name="block2_dropout")
    x = _convs(x, 3, (192, 192), name="block3")
    outputs = classifier(x, num_classes, kernel_initializer="he_normal")
    return keras.Model(inputs, outputs, name=name or "network_in_network")


def _convs(x: Any, size: int, filters: tuple[int, ...], *, name: str) -> Any:
    for place, channels in enumerate(filters, start=1):
        x = layers.Conv2D(
            channels,
            size if place == 1 else 1,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",
            name=f"{name}_conv{place}",
        )(x)
    return x


def _dropped(x: Any, dropout: float, *, name: str) -> Any:
    return layers.Dropout(dropout, name=name)(x) if dropout else x
