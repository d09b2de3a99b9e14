"""Every network of the catalog, through the same table.

The counts stand in `tests/golden/models.json`. A difference means that the network is
another one: where that is intended, change the numbers and say so in the changelog.
"""

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

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "models.json").read_text(encoding="utf-8")
)["models"]
TRAINED = {  # one a kind of block, with the smallest side in pixels
    "cifar_resnet20": 8,
    "resnet18": 8,
    "resnet50": 8,
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
    before = model.get_layer("predictions").get_weights()[0]
    loss = model.train_on_batch(images, np.array([0, 1, 2, 0]))
    assert np.isfinite(loss)
    assert (model.get_layer("predictions").get_weights()[0] != before).any()

    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(expected.sum(axis=1), 1, rtol=1e-5)
    contract = Contract(class_names=("a", "b", "c"), image_size=size)
    save_model(model, tmp_path / "net.keras", contract)
    again, carried = load_model(tmp_path / "net.keras")
    assert carried == contract
    np.testing.assert_array_equal(again.predict(images, verbose=0), expected)
