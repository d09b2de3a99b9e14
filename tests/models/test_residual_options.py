"""Options of all residual networks: where they begin, what training draws."""

import keras
import numpy as np
import pytest

from residency.errors import ConfigError
from residency.models import (
    CIFARResNet,
    CIFARResNetV2,
    Darknet53,
    ResNet,
    ResNet50Keras2,
    ResNetV2,
    ResNeXt29,
)
from residency.models.residual_options import ACTIVATIONS, ResidualOptions

BUILDERS = {
    "cifar": (lambda **o: CIFARResNet(8, **o), 3),
    "cifar, projections": (lambda **o: CIFARResNet(8, "B", **o), 3),
    "cifar v2": (lambda **o: CIFARResNetV2(11, **o), 3),
    "cifar v2, basic": (lambda **o: CIFARResNetV2(8, bottleneck=False, **o), 3),
    "basic": (lambda **o: ResNet(18, image_size=32, **o), 8),
    "bottleneck": (lambda **o: ResNet(50, image_size=32, **o), 16),
    "weighed": (lambda **o: ResNet(18, squeeze_excite=True, image_size=32, **o), 8),
    "v2": (lambda **o: ResNetV2(image_size=32, **o), 16),
    "resnext": (lambda **o: ResNeXt29(2, 8, **o), 9),
    "keras2": (lambda **o: ResNet50Keras2(image_size=64, **o), 16),
    "darknet": (lambda **o: Darknet53(image_size=32, **o), 23),
}
"""Small ones, with the number of their blocks."""


def residuals(model, images):
    """Returns what each block adds to its shortcut, in training."""
    sums = [x.input for x in model.layers if isinstance(x, keras.layers.Add)]
    place = 0 if model.name == "resnet50_keras2" else 1  # the text adds it first
    tapped = keras.Model(model.input, [each[place] for each in sums])
    return [keras.ops.convert_to_numpy(x) for x in tapped(images, training=True)]


@pytest.mark.parametrize("kind", BUILDERS)
def test_zero_gamma_starts_every_residual_at_zero_and_lets_it_learn(kind, photos):
    """A scale of 0 before a relu would have no gradient, ever."""
    build, blocks = BUILDERS[kind]
    images = photos if kind != "keras2" else np.tile(photos, (1, 2, 2, 1))
    model = build(num_classes=3, zero_gamma=True)
    found = residuals(model, images)
    assert len(found) == blocks
    assert not any(x.any() for x in found)
    scales = [v for v in model.trainable_variables if v.name in ("gamma", "kernel")]
    zeros = [v for v in scales if not keras.ops.any(v)]
    assert len(zeros) == blocks
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    model.train_on_batch(images, np.array([0, 1, 2, 0]))
    assert all(keras.ops.any(v) for v in zeros)


@pytest.mark.parametrize("activation", ["relu", "relu6"])
def test_darknet_refuses_a_start_that_it_could_not_leave(activation):
    with pytest.raises(ConfigError, match=r"zero_gamma: .* would never learn"):
        Darknet53(zero_gamma=True, activation=activation)


@pytest.mark.parametrize("kind", BUILDERS)
def test_stochastic_depth_grows_linearly(kind):
    build, blocks = BUILDERS[kind]
    with keras.device("meta"):  # shapes alone
        model = build(num_classes=3, stochastic_depth=0.5)
    rates = [x.rate for x in model.layers if x.name.endswith("_drop")]
    np.testing.assert_allclose(rates, 0.5 * np.arange(1, blocks + 1) / blocks)


def test_stochastic_depth_drops_the_residuals_of_whole_images():
    """Each image's residual is left out, or divided by the probability to stay."""
    model = CIFARResNet(8, num_classes=2, image_size=8, stochastic_depth=0.6)
    drop = model.get_layer("conv4_block1_drop")
    x = np.random.default_rng(0).normal(size=(2000, 2, 2, 4)).astype("float32")
    y = keras.ops.convert_to_numpy(drop(x, training=True))
    ratio = y / x
    np.testing.assert_allclose(ratio, ratio[:, :1, :1, :1] * np.ones_like(x), rtol=1e-5)
    kept = ratio[:, 0, 0, 0] > 0
    np.testing.assert_allclose(ratio[kept], 1 / 0.4, rtol=1e-5)
    assert abs(kept.mean() - 0.4) < 4 * np.sqrt(0.4 * 0.6 / 2000)
    np.testing.assert_array_equal(drop(x, training=False), x)


def test_stochastic_depth_changes_nothing_in_inference(photos):
    """And its file opens in plain Keras: it is a layer of Keras."""
    plain = CIFARResNet(8)
    dropped = CIFARResNet(8, stochastic_depth=0.5)
    dropped.set_weights(plain.get_weights())
    np.testing.assert_array_equal(
        dropped.predict(photos, verbose=0), plain.predict(photos, verbose=0)
    )
    again = keras.Model.from_config(dropped.get_config())
    assert again.get_layer("conv4_block1_drop").noise_shape == (None, 1, 1, 1)
    modules = {type(layer).__module__.split(".")[0] for layer in dropped.layers}
    assert modules == {"keras"}


def test_head_of_text_2():
    """ResNet-50 at 150 pixels, Flatten, 256, dropout 0.4, one output: 36,695,425."""
    with keras.device("meta"):
        model = ResNet(
            50, num_classes=2, image_size=150, head="flatten_dense", dropout=0.4
        )
    assert model.count_params() == 36_695_425 + 257  # one output more
    names = [layer.name for layer in model.layers][-5:]
    assert names == ["flatten", "fc256", "dropout", "predictions", "probabilities"]
    assert model.get_layer("dropout").rate == 0.4


def test_flatten_needs_a_size():
    with pytest.raises(ConfigError, match="head: 'flatten_dense' has weights for"):
        CIFARResNet(8, image_size=None, head="flatten_dense")


def test_dropout_before_the_classifier():
    with keras.device("meta"):
        model = CIFARResNet(8, dropout=0.3, classifier_bias=False)
    assert model.get_layer("dropout").input is model.get_layer("avg_pool").output
    assert len(model.get_layer("predictions").weights) == 1


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("relu", [0, 0, 3, 9]),
        ("relu6", [0, 0, 3, 6]),
        ("leaky_relu", [-0.2, 0, 3, 9]),
        ("silu", [-2 / (1 + np.e**2), 0, 3 / (1 + np.e**-3), 9 / (1 + np.e**-9)]),
        ("gelu", [-0.0455003, 0, 2.9959503, 9]),  # x times the normal distribution
    ],
)
def test_activations(activation, expected):
    model = CIFARResNet(8, image_size=8, activation=activation)
    for name in (f"conv1_{activation}", "conv2_block1_out"):
        layer = model.get_layer(name)
        x = np.array([-2, 0, 3, 9], "float32")
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(layer(x)), expected, rtol=1e-5, atol=1e-7
        )


def test_every_activation_is_listed_in_the_test_above():
    assert list(ACTIVATIONS) == ["relu", "relu6", "leaky_relu", "silu", "gelu"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"stochastic_depth": 1.0}, r"stochastic_depth: expected a probability in"),
        ({"dropout": -0.1}, r"dropout: expected a probability in \[0, 1\), got -0\.1"),
        ({"zero_gamma": "perhaps"}, "zero_gamma"),
        ({"activation": "leaky"}, "Did you mean 'leaky_relu'"),
        ({"zerogamma": True}, "options has no field 'zerogamma'. Did you mean"),
    ],
)
def test_impossible_options(given, message):
    with pytest.raises(ConfigError, match=message):
        ResidualOptions.of(given)
