"""The ResNet-50 of Keras 1 and 2, with the layer names of the Caffe release.

`keras.applications` had these names (`res2a_branch2a`, `bn2a_branch2a`) before it
turned to those of `residency.models.resnet`; its weight file
`resnet50_weights_tf_dim_ordering_tf_kernels.h5` still has them. Layers are made and
named so that the file loads by name and by order. Max-pooling has no padding, so a
map is a pixel smaller than in the paper: 55 and not 56 a side at 224 pixels. Epsilon
is that of Keras' later nets on the same weights, 1.001e-5 (Caffe's is 1e-5; Keras 1
and 2 left it at 1e-3, against the weights). Reference:
[Deep Residual Learning](https://arxiv.org/abs/1512.03385).
"""

from typing import Any

import keras
from keras import layers

from residency.models.interface import image_input
from residency.models.layout import channel_axis
from residency.models.preprocessing import PREPROCESSINGS, Preprocessing, resolve
from residency.models.residual import Place, places
from residency.models.residual_options import ResidualOptions
from residency.models.resnet import BLOCKS


def ResNet50Keras2(
    *,
    num_classes: int = 1000,
    image_size: int | None = 224,
    preprocessing: str | Preprocessing | None = None,
    name: str | None = None,
    **options: Any,
) -> keras.Model:
    """Builds ResNet-50, version 1, as Keras 1 and 2 had it.

    Weights start from He's normal distribution by fan-in. Batch normalisation has a
    momentum of 0.9 in Keras' terms.

    Args:
        num_classes: At least 2; the last layer is `fc<num_classes>`, so that a file
            of 1000 classes does not meet another number by name.
        image_size: Side in pixels, at least 64; `None` for any size.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"none"` or a `Preprocessing`;
            `None` stands for `"caffe"`, which the weight file needs.
        name: The model's name; `None` for `"resnet50_keras2"`.
        **options: Fields of `ResidualOptions`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, RGB in 0..255, to
        probabilities, `(batch, num_classes)`.

    Raises:
        ConfigError: An unknown preprocessing or option, or values out of range.

    Example:

    >>> ResNet50Keras2(num_classes=1000).count_params()
    25636712
    """
    chosen = ResidualOptions.of(options)
    inputs, x = image_input(
        image_size, resolve(preprocessing, PREPROCESSINGS["caffe"]), smallest=64
    )
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = _conv(x, 64, 7, stride=2, name="conv1")
    x = chosen.activate(_norm(x, name="bn_conv1"), name="conv1_relu")
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    for place in places(BLOCKS[50]):
        x = _block(x, place, chosen)
    if chosen.head == "average":
        x = _pool5(x)
    outputs = chosen.classify(x, num_classes, name=f"fc{num_classes}")
    return keras.Model(inputs, outputs, name=name or "resnet50_keras2")


def _block(x: Any, place: Place, options: ResidualOptions) -> Any:
    filters = 64 * 2**place.stage
    label = f"{place.stage + 2}{'abcdef'[place.number - 1]}"
    name = f"res{label}"
    y = x
    for branch, width, size, stride in (
        ("2a", filters, 1, place.stride),
        ("2b", filters, 3, 1),
    ):
        y = _conv(y, width, size, stride=stride, name=f"{name}_branch{branch}")
        y = _norm(y, name=f"bn{label}_branch{branch}")
        y = options.activate(y, name=f"{name}_branch{branch}_relu")
    y = _conv(y, 4 * filters, 1, name=f"{name}_branch2c")
    if place.number == 1:
        x = _conv(x, 4 * filters, 1, stride=place.stride, name=f"{name}_branch1")
    y = _norm(y, gamma=options.last_gamma, name=f"bn{label}_branch2c")
    if place.number == 1:
        x = _norm(x, name=f"bn{label}_branch1")
    y = options.drop(y, place.depth, name=name)
    y = layers.Add(name=name)([y, x])
    return options.activate(y, name=f"{name}_relu")


def _pool5(x: Any) -> Any:
    """Adds the mean over the whole map, 7 x 7 at 224 pixels, and the flattening."""
    rows, columns = (size for axis, size in enumerate(x.shape) if axis in _sides())
    if rows is None:
        return layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = layers.AveragePooling2D((rows, columns), name="avg_pool")(x)
    return layers.Flatten(name="flatten")(x)


def _sides() -> tuple[int, int]:
    return (2, 3) if channel_axis() == 1 else (1, 2)


def _conv(x: Any, filters: int, size: int, *, stride: int = 1, name: str) -> Any:
    return layers.Conv2D(
        filters,
        size,
        strides=stride,
        padding="same" if size == 3 else "valid",
        kernel_initializer="he_normal",
        name=name,
    )(x)


def _norm(x: Any, *, gamma: str = "ones", name: str) -> Any:
    return layers.BatchNormalization(
        axis=channel_axis(),
        momentum=0.9,
        epsilon=1.001e-5,
        gamma_initializer=gamma,
        name=name,
    )(x)
