"""Lin et al., 2013, beside plain torch."""

import keras
import numpy as np
import pytest
import torch
from torch.nn import functional

from residency.errors import ConfigError
from residency.models import NetworkInNetwork

from ..engine.lowering.parity import scramble


def test_equals_plain_torch(photos):
    """The first pooling cuts its windows at the edge, as Caffe does, the second drops
    them. Probabilities; float32 is off by 1e-5 at most.

    The mean over the last maps and the dense layer change places: both are linear.
    """
    model = NetworkInNetwork(num_classes=4, image_size=None, preprocessing="tf")
    scramble(model)
    x = (torch.tensor(photos).double() / 127.5 - 1).permute(0, 3, 1, 2)
    for block, convs in ((1, 3), (2, 3), (3, 2)):
        for place in range(1, convs + 1):
            layer = model.get_layer(f"block{block}_conv{place}")
            kernel, bias = (torch.tensor(w).double() for w in layer.get_weights())
            kernel = kernel.permute(3, 2, 0, 1)
            x = functional.conv2d(x, kernel, bias, padding="same").relu()
        if block == 1:
            x = functional.max_pool2d(x, 3, 2, ceil_mode=True)
        if block == 2:
            x = functional.avg_pool2d(x, 3, 2)
    layer = model.get_layer("predictions")
    kernel, bias = (torch.tensor(w).double() for w in layer.get_weights())
    maps = functional.conv2d(x, kernel.T[:, :, None, None], bias)
    expected = maps.mean((2, 3)).softmax(1).numpy()
    assert expected.std() > 0.02
    np.testing.assert_allclose(model.predict(photos, verbose=0), expected, atol=1e-5)


def test_dropout_of_the_paper():
    with keras.device("meta"):
        model, without = NetworkInNetwork(), NetworkInNetwork(dropout=0.0)
    rates = {x.name: x.rate for x in model.layers if "dropout" in x.name}
    assert rates == {"block1_dropout": 0.5, "block2_dropout": 0.5}
    assert not any(isinstance(x, keras.layers.Dropout) for x in without.layers)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dropout": 1.5}, r"dropout: expected a share in \[0, 1\), got 1\.5"),
        ({"image_size": 7}, "8 or more, got 7"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ConfigError, match=message):
        NetworkInNetwork(**arguments)
