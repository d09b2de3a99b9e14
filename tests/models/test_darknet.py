"""Redmon and Farhadi, 2018, table 1: layers, maps for detectors, activations."""

import keras
import numpy as np
import pytest

from residency.errors import ConfigError
from residency.models import Darknet53, darknet_taps


@pytest.fixture(scope="module")
def net():
    return Darknet53(num_classes=3, image_size=None)


def test_53_layers_without_bias(net):
    convs = [x for x in net.layers if isinstance(x, keras.layers.Conv2D)]
    norms = [x for x in net.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert len(convs) + 1 == 53
    assert not any(x.use_bias for x in convs)
    assert {(x.momentum, x.epsilon) for x in norms} == {(0.9, 1e-5)}


def test_maps_of_a_detector_on_the_same_variables(net):
    """The text's shapes at 416 pixels: 52, 26 and 13 a side."""
    taps = darknet_taps(net)
    shapes = taps.compute_output_shape((None, 416, 416, 3))
    assert shapes == [(None, 52, 52, 256), (None, 26, 26, 512), (None, 13, 13, 1024)]
    ours = {id(v) for v in net.variables}
    assert {id(v) for v in taps.variables} == ours - {
        id(v) for v in net.get_layer("predictions").variables
    }


def test_head_reads_the_last_map(net, photos):
    """Mean over the map, one weight a channel and class, softmax: in float64."""
    images = np.concatenate([photos, photos[::-1]], axis=1)  # 64 x 32
    last = keras.ops.convert_to_numpy(darknet_taps(net)(images)[2])
    kernel, bias = net.get_layer("predictions").get_weights()
    logits = last.astype("float64").mean(axis=(1, 2)) @ kernel + bias
    expected = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        net.predict(images, verbose=0), expected, rtol=1e-3, atol=1e-5
    )


def test_strides_see_zeros_on_every_side(net):
    """Keras' "same" would start at the first pixel, not one before it."""
    before = net.get_layer("conv1_leaky_relu").output
    conv = net.get_layer("conv2_down_conv")
    x = np.zeros((1, 4, 4, 32), "float32")
    x[0, 0, 0, 0] = 1
    y = keras.ops.convert_to_numpy(keras.Function(before, conv.output)(x))
    np.testing.assert_allclose(y[0, 0, 0], conv.get_weights()[0][1, 1, 0], rtol=1e-6)
    assert not y[0, 1:].any()


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("leaky_relu", [-0.2, 0, 3, 9]),
        ("relu", [0, 0, 3, 9]),
        ("relu6", [0, 0, 3, 6]),
    ],
)
def test_activations(activation, expected):
    with keras.device("meta"):
        model = Darknet53(activation=activation, num_classes=2, image_size=32)
    layer = model.get_layer(f"conv1_{activation}")
    x = np.array([-2, 0, 3, 9], "float32")
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(x)), expected)


def test_unknown_activation():
    with pytest.raises(ConfigError, match="Did you mean 'leaky_relu'"):
        Darknet53(activation="leaky")


def test_too_small():
    with pytest.raises(ConfigError, match="32 or more, got 31"):
        Darknet53(image_size=31)
