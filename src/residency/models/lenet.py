"""LeNet-5 for colour images: small enough to check everything around a network.

Two convolutions of 5x5 with max-pooling, three dense layers, as the common re-runs
have it; LeCun et al. averaged with weights, wired some maps only and ended in radial
basis functions. Grey images come as three equal channels. Reference:
[LeCun et al., 1998](http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf), section II.B.
"""

import keras
from keras import layers

from residency.errors import ConfigError, did_you_mean
from residency.models.interface import classifier, image_input, require_fixed_size
from residency.models.preprocessing import CIFAR10, Preprocessing, resolve

_STARTS = {"relu": "he_normal", "tanh": "glorot_uniform"}


def LeNet(
    *,
    activation: str = "relu",
    num_classes: int = 10,
    image_size: int = 32,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds LeNet-5.

    Args:
        activation: `"relu"`, from He's normal distribution; `"tanh"` as in the paper,
            from Glorot's uniform one.
        num_classes: At least 2.
        image_size: Side in pixels, at least 16; the first dense layer is made for it.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"lite"`, `"none"` or a
            `Preprocessing`; `None` stands for the mean and deviation of CIFAR-10.
        name: The model's name; `None` for `"lenet"`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: An open image size, an unknown activation or preprocessing, or
            sizes out of range.

    Example:

    >>> LeNet().count_params()
    62006
    """
    if activation not in _STARTS:
        raise ConfigError(
            f"activation: expected one of {', '.join(_STARTS)}, got {activation!r}."
            f"{did_you_mean(str(activation), _STARTS)}"
        )
    require_fixed_size("LeNet", image_size, smallest=16)
    inputs, x = image_input(image_size, resolve(preprocessing, CIFAR10), smallest=16)
    for place, filters in enumerate((6, 16), start=1):
        x = layers.Conv2D(
            filters,
            5,
            activation=activation,
            kernel_initializer=_STARTS[activation],
            name=f"conv{place}",
        )(x)
        x = layers.MaxPooling2D(2, name=f"pool{place}")(x)
    x = layers.Flatten(name="flatten")(x)
    for place, units in enumerate((120, 84), start=1):
        x = layers.Dense(
            units,
            activation=activation,
            kernel_initializer=_STARTS[activation],
            name=f"fc{place}",
        )(x)
    outputs = classifier(x, num_classes, kernel_initializer="glorot_uniform")
    return keras.Model(inputs, outputs, name=name or "lenet")
