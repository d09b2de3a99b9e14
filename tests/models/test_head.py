"""Heads of one's own."""

import keras
import numpy as np
import pytest

from residency.config import set_paths
from residency.errors import ConfigError
from residency.models import Head, Model, build


@pytest.fixture(scope="module")
def net():
    return build("cifar_resnet20", num_classes=10, image_size=16)


def test_the_pieces_of_a_well_known_question(net):
    """Flatten, 256 with relu, dropout, one sigmoid unit."""
    head = Head(pool="flatten", hidden=(256,), dropout=0.4, output="sigmoid")
    model = head.on(net, num_classes=2)
    kinds = [type(layer).__name__ for layer in model.layers[-5:]]
    assert kinds == ["Flatten", "Dense", "Dropout", "Dense", "Activation"]
    assert model.output_shape == (None, 1)
    assert model.name == net.name
    map_size = 4 * 4 * 64
    body = net.count_params() - (64 * 10 + 10)
    assert model.count_params() == body + (map_size + 1) * 256 + 257


def test_the_body_is_shared_and_its_map_unchanged(net):
    model = Head(output="softmax").on(net, num_classes=3)
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype("float32")
    out = "conv4_block3_out"
    maps = [
        keras.ops.convert_to_numpy(
            keras.Model(m.input, m.get_layer(out).output)(images)
        )
        for m in (net, model)
    ]
    assert np.array_equal(*maps)
    assert model.get_layer("conv1_conv") is net.get_layer("conv1_conv")


def test_a_sigmoid_tells_two_classes_apart(net):
    with pytest.raises(ConfigError, match="'sigmoid' tells two classes apart"):
        Head(output="sigmoid").on(net, num_classes=3)


@pytest.mark.parametrize("wrong", [{"dropout": 1.0}, {"hidden": (0,)}])
def test_values_out_of_range(wrong):
    with pytest.raises(ConfigError, match="Head"):
        Head(**wrong)


def test_it_is_set_on_a_command_line():
    section = set_paths(
        Model(name="cifar_resnet20"),
        {"head": "Head", "head.output": "sigmoid", "head.hidden": "8,4"},
    )
    assert section.head == Head(output="sigmoid", hidden=(8, 4))
