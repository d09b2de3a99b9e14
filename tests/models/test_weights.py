"""Weights of a file, into the same network only."""

import numpy as np
import pytest

from residency.errors import ConfigError, ExportError
from residency.models import build, save_model


@pytest.fixture(scope="module")
def trained():
    return build("cifar_resnet20", num_classes=3, image_size=16)


@pytest.fixture
def file(trained, tmp_path):
    save_model(trained, tmp_path / "net.keras")
    return tmp_path / "net.keras"


@pytest.mark.parametrize("name", ["net.keras", "net.weights.h5"])
def test_same_network(trained, file, photos, name):
    trained.save_weights(file.with_name("net.weights.h5"))
    again = build(
        "cifar_resnet20", num_classes=3, image_size=16, weights=file.with_name(name)
    )
    small = photos[:, :16, :16]
    np.testing.assert_array_equal(
        again.predict(small, verbose=0), trained.predict(small, verbose=0)
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_classes": 4}, "Is num_classes the same"),
        ({"shortcut": "B"}, "another network"),
        ({"preprocessing": "torch"}, "another preprocessing"),
        ({"preprocessing": "caffe"}, "another preprocessing"),
    ],
)
def test_another_network(file, changes, message):
    arguments = {"num_classes": 3, "image_size": 16, "weights": file, **changes}
    with pytest.raises(ConfigError, match=message):
        build("cifar_resnet20", **arguments)


def test_weights_file_of_another_network(trained, tmp_path):
    trained.save_weights(tmp_path / "net.weights.h5")
    with pytest.raises(ConfigError, match="not the weights of 'cifar_resnet20'"):
        build("cifar_resnet20", num_classes=4, weights=tmp_path / "net.weights.h5")


@pytest.mark.parametrize("weights", ["imagenet", "missing.weights.h5", "x.pth"])
def test_anything_else(weights):
    with pytest.raises(ConfigError, match="expected None or the path"):
        build("cifar_resnet20", num_classes=3, weights=weights)


def test_missing_file(file):
    with pytest.raises(ExportError, match=r"Did you mean 'net\.keras'"):
        build("cifar_resnet20", num_classes=3, weights=file.with_name("nett.keras"))
