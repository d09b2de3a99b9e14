"""Every network of the catalog, through the same table.

The counts stand in `tests/golden/models.json`. A difference means that the network is
another one: where that is intended, change the numbers and say so in the changelog.
"""

import importlib
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from residency.models import (
    Contract,
    build,
    list_models,
    load_model,
    multiply_adds,
    save_model,
)
from residency.models.catalog import find
from residency.models.layout import built_with

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "models.json").read_text(encoding="utf-8")
)["models"]
TRAINED = {  # one a kind of block, with the smallest side in pixels
    "cifar_resnet20": 8,
    "resnet18": 8,
    "resnet50": 8,
    "resnet50_d": 64,
    "se_resnet50": 8,
    "resnet50_v2": 8,
    "resnet50_keras2": 64,
    "resnext29_8x16d": 8,
    "darknet53": 32,
    "efficientnet_lite0": 32,
    "vgg16": 32,
    "vgg16_bn": 32,
    "wide_resnet16_8": 8,
    "densenet_bc100_12": 8,
    "densenet121": 32,
    "lenet": 16,
    "network_in_network": 8,
}


def count(weights):
    return sum(int(np.prod(w.shape)) for w in weights)


def any_size(name, image_size=None):
    """Builds through the builder: `build` reads `None` as the usual size."""
    entry = find(name)
    module, function = entry.builder.split(":")
    builder = getattr(importlib.import_module(f"residency.models.{module}"), function)
    stem = {"stem": "imagenet"} if TRAINED[name] == 64 else {"stem": "cifar"}
    more = stem if "stem" in entry.options else {}
    return builder(**entry.fixed, **more, num_classes=3, image_size=image_size)


def test_golden_table_and_catalog_name_the_same_networks():
    assert list(GOLDEN) == [entry.name for entry in list_models()]


@pytest.mark.parametrize("entry", list_models(), ids=lambda entry: entry.name)
def test_counts(entry):
    with keras.device("meta"):  # shapes without numbers: 152 layers in a second
        model = build(entry.name, num_classes=entry.num_classes)
    golden = GOLDEN[entry.name]
    assert count(model.trainable_weights) == golden["trainable"]
    assert count(model.non_trainable_weights) == golden["non_trainable"]
    assert entry.parameters == golden["trainable"] + golden["non_trainable"]
    assert multiply_adds(model) == golden["multiply_adds"]
    assert model.input_shape == (None, entry.image_size, entry.image_size, 3)
    assert model.output_shape == (None, entry.num_classes)


@pytest.mark.parametrize(("name", "size"), TRAINED.items())
def test_trains_a_step_and_survives_its_file(name, size, tmp_path):
    model = build(name, num_classes=3, image_size=size)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (4, size, size, 3), dtype="uint8")
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = model.layers[-2].get_weights()[0]
    loss = model.train_on_batch(images, np.array([0, 1, 2, 0]))
    assert np.isfinite(loss)
    assert (model.layers[-2].get_weights()[0] != before).any()

    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(expected.sum(axis=1), 1, rtol=1e-5)
    contract = Contract(class_names=("a", "b", "c"), image_size=size)
    save_model(model, tmp_path / "net.keras", contract)
    again, carried = load_model(tmp_path / "net.keras")
    assert carried == contract
    np.testing.assert_array_equal(again.predict(images, verbose=0), expected)


@pytest.mark.parametrize(("name", "size"), TRAINED.items())
def test_channels_first_and_any_size(name, size):
    """Input (3, None, None): the same weights give the same probabilities.

    The kernels of dense layers after a `Flatten` fit, too: Keras flattens both orders
    alike.
    """
    fixed = build(name, num_classes=3, image_size=size)
    fixes_size = name.startswith(("vgg", "lenet"))  # by a dense layer on the map
    side = size if fixes_size else None
    with built_with("channels_first"):
        free = any_size(name, side)
    assert free.input_shape == (None, 3, side, side)
    free.set_weights(fixed.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), "uint8")
    np.testing.assert_allclose(
        free.predict(images.transpose(0, 3, 1, 2), verbose=0),
        fixed.predict(images, verbose=0),
        rtol=1e-3,
        atol=1e-5,
    )
