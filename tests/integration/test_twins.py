"""What the benchmarks compare is the same network, on the same weights."""

import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from cases import CASES
from twins import copy_weights, plain_network, require_same_size

from residency.engine import lower
from residency.engine.network import without_activation

SIDES = {"mobilenet_v2": 65}
"""Pixels; odd all the way down, where PyTorch's way to pad is that of Keras."""


@pytest.mark.parametrize("name", CASES)
def test_same_number_of_parameters(name):
    require_same_size(CASES[name])


@pytest.mark.parametrize("name", CASES)
def test_same_outputs_on_the_same_weights(name):
    case = replace(CASES[name], pixels=SIDES.get(name, 64), batch=2, classes=7)
    keras.utils.set_random_seed(0)
    model, network = case.keras_model(), plain_network(case).eval()
    give_statistics(model)
    copy_weights(model, network)
    x = np.random.default_rng(0).normal(size=case.images().shape).astype("float32")
    with torch.inference_mode():
        expected = network(torch.from_numpy(x).permute(0, 3, 1, 2)).numpy()
        scores = without_preprocessing(model)
        ours = lower(scores)(torch.from_numpy(x)).numpy()
        kerases = keras.ops.convert_to_numpy(scores(x, training=False))
    assert expected.std() > 0
    scale = np.abs(expected).max()
    np.testing.assert_allclose(kerases / scale, expected / scale, atol=1e-5)
    np.testing.assert_allclose(ours / scale, expected / scale, atol=1e-5)


def give_statistics(model):
    """Makes statistics, scales and biases matter; fresh ones are zeros and ones."""
    random = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            ranges = [(0.3, 0.6), (-0.1, 0.1), (-0.1, 0.1), (0.5, 1.5)]
            layer.set_weights([random.uniform(*r, shape) for r in ranges])
        elif getattr(layer, "bias", None) is not None:
            layer.bias.assign(random.uniform(-0.1, 0.1, layer.bias.shape))


def without_preprocessing(model):
    """Returns the model from after its preprocessing to its logits."""
    names = [layer.name for layer in model.layers]
    named = "preprocessing" in names
    start = model.get_layer("preprocessing").output if named else model.input
    return keras.Model(start, without_activation(model).output)
