"""Lowered, every architecture computes what it computes in Keras.

One of each family, small images. All of `keras.applications` and of our catalog, with
the figures: `python benchmarks/lowering_parity.py`.
"""

import keras
import pytest
from keras.src.applications import nasnet

from residency import models
from residency.engine.network import without_activation
from residency.models.layout import built_with

from ..engine.lowering.parity import (
    differences,
    float64,
    random_inputs,
    rounding,
    scramble,
)

CLASSES = 5


def of_keras(name, size=64):
    """Returns a builder of one of `keras.applications`, up to its logits."""
    function = getattr(keras.applications, name)
    shape = (size, size, 3)
    return size, lambda: function(
        weights=None, input_shape=shape, classes=CLASSES, classifier_activation=None
    )


def of_ours(name, size=32, **options):
    return size, lambda: without_activation(
        models.build(name, num_classes=CLASSES, image_size=size, **options)
    )


def ours_with(builder, *arguments, size=32, data_format=None, **options):
    """Returns a builder of a network that is smaller than those of the catalog."""

    def build():
        with built_with(data_format):
            model = builder(*arguments, num_classes=CLASSES, image_size=size, **options)
        return without_activation(model)

    return size, build


def small_nasnet():
    """Both of Keras are large or refused on torch; the cells are those of the paper."""
    return nasnet.NASNet(
        input_shape=(64, 64, 3),
        penultimate_filters=96,
        num_blocks=1,
        stem_block_filters=8,
        weights=None,
        classes=CLASSES,
        classifier_activation=None,
        default_size=64,
    )


FAMILIES = {
    "VGG": of_keras("VGG16", 32),
    "ResNet": of_keras("ResNet50"),
    "ResNet v2": of_keras("ResNet50V2"),
    "MobileNet": of_keras("MobileNet"),
    "MobileNet v2": of_keras("MobileNetV2"),
    "MobileNet v3": of_keras("MobileNetV3Small"),
    "DenseNet": of_keras("DenseNet121"),
    "Inception": of_keras("InceptionV3", 96),
    "Inception-ResNet": of_keras("InceptionResNetV2", 96),
    "Xception": of_keras("Xception", 72),
    "NASNet": (64, small_nasnet),
    "EfficientNet": of_keras("EfficientNetB0"),
    "EfficientNet v2": of_keras("EfficientNetV2B0"),
    "ConvNeXt": of_keras("ConvNeXtTiny", 32),
    "ours, CIFAR": of_ours("cifar_resnet20"),
    "ours, basic": of_ours("resnet18", 64),
    "ours, bottleneck": of_ours("resnet50", 64),
    "ours, EfficientNet-Lite": of_ours("efficientnet_lite0", 64),
    "ours, wide": of_ours("wide_resnet16_8", 8),
    "ours, dense": of_ours("densenet_bc100_12", 16),
    "ours, LeNet": of_ours("lenet"),
    # without a seed, torch draws the dropout of maps in the order of their memory
    "ours, Network in Network": of_ours("network_in_network", dropout=0.0),
    "ours, D, weighed, at random depth": ours_with(
        models.ResNet, 18, "D", size=64, squeeze_excite=True, stochastic_depth=0.5
    ),
    "ours, activation first": ours_with(models.CIFARResNetV2, 20, activation="silu"),
    "ours, basic and activation first": ours_with(
        models.CIFARResNetV2, 14, bottleneck=False, head="flatten_dense", dropout=0.4
    ),
    "ours, channels first": ours_with(
        models.ResNet, 18, "D", size=64, data_format="channels_first"
    ),
}
KEPT = {"LayerScale", "CustomScaleLayer"}
"""Layers of `keras.applications` itself, which Keras runs."""
TOLERANCE = {"Inception": 1e-9, "Inception-ResNet": 1e-6}
"""Of float64; else 1e-11. Their last blocks normalize three values: rounding grows."""


@pytest.mark.parametrize("family", FAMILIES)
def test_float64_agrees_to_the_last_digits(family):
    _, build = FAMILIES[family]
    with float64():
        model = build()
        scramble(model)
        x = random_inputs(model, (3, *model.input_shape[1:]), largest=255)
        found = differences(model, x)
    assert found.inference < 1e-13
    tolerance = TOLERANCE.get(family, 1e-11)
    assert max(found.training, found.gradients, found.moved) < tolerance
    assert found.worst_gradient < 1000 * tolerance


@pytest.mark.parametrize("family", FAMILIES)
def test_float32_is_as_good_as_that_of_keras(family):
    _, build = FAMILIES[family]
    model = build()
    scramble(model)
    shape = (3, *model.input_shape[1:])
    x = random_inputs(model, shape, largest=255)
    assert differences(model, x).inference < 2e-5
    found = rounding(build, shape, largest=255)
    # chance has a part: rounding grows with depth and switches ReLUs
    assert found.lowered_outputs < 10 * found.keras_outputs + 1e-5
    assert found.lowered_gradients < 3 * found.keras_gradients + 0.1
