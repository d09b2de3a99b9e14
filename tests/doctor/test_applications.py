import importlib

import keras
import numpy as np
import pytest

from residency.doctor.applications import (
    MODE_OF_MODULE,
    MODE_OF_NETWORK,
    MODULE_OF_NETWORK,
)

PIXEL = np.array([[[[255.0, 0.0, 0.0]]]], "float32")
OF_RED = {
    "caffe": (-103.939, -116.779, 131.32),
    "tf": (1.0, -1.0, -1.0),
    "torch": (2.2489, -2.0357, -1.8044),
    "raw": (255.0, 0.0, 0.0),
}
"""What each mode makes of a red pixel."""


@pytest.mark.parametrize("module", MODE_OF_MODULE)
def test_the_mode_of_a_module_is_what_keras_does(module):
    prepare = importlib.import_module(f"keras.applications.{module}").preprocess_input
    made = prepare(PIXEL.copy()).ravel()
    np.testing.assert_allclose(made, OF_RED[MODE_OF_MODULE[module]], atol=1e-3)


def test_every_network_of_keras_is_known():
    assert {n for n in dir(keras.applications) if n[0].isupper()} == set(
        MODE_OF_NETWORK
    )


@pytest.mark.parametrize("network", MODULE_OF_NETWORK)
def test_the_module_named_in_the_cure_has_the_networks_mode(network):
    module = MODULE_OF_NETWORK[network]
    assert MODE_OF_MODULE[module] == MODE_OF_NETWORK[network]
