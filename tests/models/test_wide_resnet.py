"""Zagoruyko and Komodakis, 2016: the block in plain torch, widths, dropout."""

import keras
import numpy as np
import pytest
import torch
from torch.nn import functional

from residency.errors import ConfigError
from residency.models import WideResNet
from residency.models.preprocessing import CIFAR10

from ..engine.lowering.parity import scramble


def plain_torch(model, images):
    """The network of depth 16, in float64: pre-activation, padding of one pixel."""
    mean, std = (torch.tensor(x).double() for x in (CIFAR10.mean, CIFAR10.std))
    x = ((torch.tensor(images).double() - mean) / std).permute(0, 3, 1, 2)

    def weights(name):
        return [torch.tensor(w).double() for w in model.get_layer(name).get_weights()]

    def conv(x, name, stride=1):
        kernel = weights(name)[0].permute(3, 2, 0, 1)
        return functional.conv2d(x, kernel, None, stride, kernel.shape[-1] // 2)

    def activated(x, name):
        gamma, beta, mean, variance = weights(f"{name}_bn")
        x = functional.batch_norm(x, mean, variance, gamma, beta, False, 0, 1e-5)
        return x.relu()

    x = conv(x, "conv1_conv")
    for stage in (2, 3, 4):
        for block in (1, 2):
            name = f"conv{stage}_block{block}"
            stride = 2 if stage > 2 and block == 1 else 1
            a = activated(x, f"{name}_preact")
            y = activated(conv(a, f"{name}_1_conv", stride), f"{name}_1")
            y = conv(y, f"{name}_2_conv")
            x = y + (conv(a, f"{name}_0_conv", stride) if block == 1 else x)
    kernel, bias = weights("predictions")
    return (activated(x, "post").mean((2, 3)) @ kernel + bias).softmax(1).numpy()


@pytest.mark.parametrize("shape", [(8, 8), (9, 13)])
def test_equals_plain_torch(shape):
    """Probabilities; float32 is off by 1e-5 at most. Any size, odd ones too."""
    model = WideResNet(16, 2, num_classes=3, image_size=None)
    scramble(model)
    images = np.random.default_rng(0).integers(0, 256, (3, *shape, 3)).astype("f4")
    expected = plain_torch(model, images)
    assert expected.std() > 0.05
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-5)


def test_widths_and_shapes_of_the_paper():
    with keras.device("meta"):  # shapes alone
        model = WideResNet()
    for stage, side in ((2, 32), (3, 16), (4, 8)):
        out = model.get_layer(f"conv{stage}_block4_out").output
        assert out.shape == (None, side, side, 160 * 2 ** (stage - 2))
    convs = [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]
    assert len(convs) == 28


def test_no_shortcut_convolution_where_the_shape_stays():
    with keras.device("meta"):
        model = WideResNet(10, 1)
    names = [x.name for x in model.layers if x.name.endswith("_0_conv")]
    assert names == ["conv3_block1_0_conv", "conv4_block1_0_conv"]


def test_dropout_lies_between_the_convolutions():
    with keras.device("meta"):
        model = WideResNet(16, 1, dropout=0.3)
    names = [layer.name for layer in model.layers]
    place = names.index("conv2_block1_dropout")
    assert names[place - 1 : place + 2] == [
        "conv2_block1_1_relu",
        "conv2_block1_dropout",
        "conv2_block1_2_conv",
    ]
    rates = [x.rate for x in model.layers if isinstance(x, keras.layers.Dropout)]
    assert rates == [0.3] * 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 27}, r"6n \+ 4, such as 16, 22, 28, 40, got 27. The closest is 28"),
        ({"depth": 4}, "The closest is 10"),
        ({"width": 0}, "width: expected a whole number, 1 or more, got 0"),
        ({"dropout": 1}, r"dropout: expected a share in \[0, 1\), got 1"),
        ({"image_size": 7}, "8 or more, got 7"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ConfigError, match=message):
        WideResNet(**arguments)
