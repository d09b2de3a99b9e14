"""LeNet-5 as the common re-runs have it, beside plain torch."""

import keras
import numpy as np
import pytest
import torch
from torch.nn import functional

from residency.errors import ConfigError
from residency.models import LeNet

from ..engine.lowering.parity import scramble


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_equals_plain_torch(activation, photos):
    """Probabilities; float32 is off by 1e-5 at most."""
    model = LeNet(activation=activation, num_classes=4, preprocessing="tf")
    scramble(model)
    function = getattr(torch, activation)
    x = (torch.tensor(photos).double() / 127.5 - 1).permute(0, 3, 1, 2)
    weights = {
        x.name: [torch.tensor(w).double() for w in x.get_weights()]
        for x in model.layers
    }
    for name in ("conv1", "conv2"):
        kernel, bias = weights[name]
        x = function(functional.conv2d(x, kernel.permute(3, 2, 0, 1), bias))
        x = functional.max_pool2d(x, 2)
    x = x.permute(0, 2, 3, 1).flatten(1)  # Keras' order: 5 x 5 pixels of 16 channels
    for name in ("fc1", "fc2"):
        kernel, bias = weights[name]
        x = function(x @ kernel + bias)
    kernel, bias = weights["predictions"]
    expected = (x @ kernel + bias).softmax(1).numpy()
    assert expected.std() > 0.02
    np.testing.assert_allclose(model.predict(photos, verbose=0), expected, atol=1e-5)


def test_takes_the_28_pixels_of_mnist():
    with keras.device("meta"):
        model = LeNet(image_size=28)
    assert model.get_layer("fc1").kernel.shape == (4 * 4 * 16, 120)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"activation": "tan"}, "Did you mean 'tanh'"),
        ({"image_size": None}, "LeNet's first dense layer .* 16 or more"),
        ({"image_size": 15}, "16 or more, got 15"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ConfigError, match=message):
        LeNet(**arguments)
