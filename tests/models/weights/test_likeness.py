"""A file is known by the number of its parameters, whatever its head."""

import keras
import numpy as np
import pytest

from residency.models import build
from residency.models.catalog import CATALOG
from residency.models.weights.likeness import guess, looks_like

from . import plain_torch as plain

FAMILIES = (
    *("cifar_resnet20", "resnet50", "resnext50_32x4d", "vgg16_bn"),
    *("densenet121", "efficientnet_lite0", "darknet53", "resnext29_8x16d"),
)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_network_of_three_classes_is_taken_for_itself_or_its_twin(name):
    """Twins have the same layers and differ in strides or the size of images."""
    entry = CATALOG[name]
    with keras.device("meta"):  # shapes alone
        model = build(name, num_classes=3)
    arrays = {w.path: np.broadcast_to(np.float32(0), w.shape) for w in model.weights}
    found = CATALOG[looks_like(arrays)]
    assert abs(found.parameters - entry.parameters) / entry.parameters < 0.005


def test_state_dicts():
    cases = {
        "resnet18": plain.ResNet((2, 2, 2, 2), plain.Basic, 7),
        "darknet53": plain.Darknet53(12),
        "resnext50_32x4d": plain.ResNet((3, 4, 6, 3), groups=32, group_width=4),
    }
    for name, net in cases.items():
        arrays = {n: a.numpy() for n, a in net.state_dict().items()}
        assert looks_like(arrays) == name


def test_a_file_without_a_head():
    state = plain.ResNet((2, 2, 2, 2), plain.Basic).state_dict()
    body = {n: a.numpy() for n, a in state.items() if not n.startswith("fc")}
    assert looks_like(body) == "resnet18"


@pytest.mark.parametrize("name", ["resnet50", "vgg16", "densenet121"])
def test_a_file_of_keras_without_a_head_in_the_order_of_the_alphabet(name):
    """`.weights.h5` has `conv2d_9` last, and that gave ResNet-50 64 features."""
    makers = {
        "resnet50": keras.applications.ResNet50,
        "vgg16": keras.applications.VGG16,
        "densenet121": keras.applications.DenseNet121,
    }
    with keras.device("meta"):
        body = makers[name](weights=None, include_top=False)
    arrays = {w.path: np.broadcast_to(np.float32(0), w.shape) for w in body.weights}
    backwards = dict(sorted(arrays.items(), reverse=True))
    # VGG's head has two hidden layers, so without it nothing tells the network
    assert looks_like(backwards) == ("" if name == "vgg16" else name)


def test_the_sentence():
    arrays = {
        n: a.numpy()
        for n, a in plain.ResNet((2, 2, 2, 2), plain.Basic).state_dict().items()
    }
    assert guess(arrays, but="resnet34") == " The file looks like 'resnet18'."
    assert guess(arrays, but="resnet18") == ""
    assert guess({}, but="resnet18") == ""


def test_nothing_like_it():
    assert looks_like({}) == ""
    assert looks_like({"a": np.zeros(3)}) == ""
