"""Weights of a file into the network that is built for them, or into none."""

import logging
import shutil

import keras
import numpy as np
import pytest
import torch

from residency.errors import ConfigError, ExportError
from residency.models import (
    Contract,
    build,
    load_weights,
    save_model,
    save_weights,
)

from . import plain_torch

TORCH_MEAN, TORCH_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


@pytest.fixture(scope="module")
def trained():
    model = build("cifar_resnet20", num_classes=3, image_size=16)
    draws = np.random.default_rng(0)
    model.set_weights([draws.uniform(0.5, 1, w.shape) for w in model.weights])
    return model


@pytest.fixture
def file(trained, tmp_path):
    save_model(trained, tmp_path / "net.keras")
    trained.save_weights(tmp_path / "net.weights.h5")
    return tmp_path / "net.keras"


@pytest.fixture(scope="module")
def resnet18(tmp_path_factory):
    """A state dict in torchvision's layout, and the network it came from."""
    net = plain_torch.lively(plain_torch.ResNet((2, 2, 2, 2), plain_torch.Basic))
    path = tmp_path_factory.mktemp("torch") / "resnet18-f37072fd.pth"
    torch.save(net.state_dict(), path)
    return path, net


def arrays(model):
    return [w.numpy().copy() for w in model.variables]


@pytest.mark.parametrize("name", ["net.keras", "net.weights.h5"])
def test_same_network(trained, file, photos, name):
    again = build(
        "cifar_resnet20", num_classes=3, image_size=16, weights=file.with_name(name)
    )
    small = photos[:, :16, :16]
    np.testing.assert_array_equal(
        again.predict(small, verbose=0), trained.predict(small, verbose=0)
    )


@pytest.mark.parametrize("name", ["net.keras", "net.weights.h5"])
def test_another_number_of_classes_leaves_the_head_new(trained, file, name, caplog):
    path = file.with_name(name)
    model = build("cifar_resnet20", num_classes=4, image_size=16)
    before = model.get_layer("predictions").get_weights()
    report = load_weights(model, path)
    assert [x.layer for x in report.remarkable] == ["predictions"]
    assert report.remarkable[0].reason == "3 classes in the file, 4 here"
    assert "predictions is new: 3 classes in the file, 4 here" in caplog.text
    np.testing.assert_array_equal(
        model.get_layer("predictions").get_weights()[0], before[0]
    )
    np.testing.assert_array_equal(
        model.get_layer("conv1_conv").get_weights()[0],
        trained.get_layer("conv1_conv").get_weights()[0],
    )


@pytest.mark.parametrize("name", ["net.keras", "net.safetensors"])
@pytest.mark.parametrize(
    ("here", "kept"),
    [(("ant", "bee", "cat"), True), ((), True), (("cat", "ant", "bee"), False)],
    ids=["the same", "not known", "others"],
)
def test_as_many_classes_of_other_names_leave_the_head_new(
    trained, tmp_path, name, here, kept
):
    contract = Contract(class_names=("ant", "bee", "cat"), image_size=16)
    save = save_model if name.endswith(".keras") else save_weights
    save(trained, tmp_path / name, contract)
    model = build("cifar_resnet20", num_classes=3, image_size=16)
    before = model.get_layer("predictions").get_weights()[0]
    report = load_weights(model, tmp_path / name, class_names=here)
    after = model.get_layer("predictions").get_weights()[0]
    theirs = trained.get_layer("predictions").get_weights()[0]
    np.testing.assert_array_equal(after, theirs if kept else before)
    assert [x.layer for x in report.remarkable] == ["predictions"] * (not kept)
    if not kept:
        assert (
            "ant, bee, cat in the file, cat, ant, bee here"
            in report.remarkable[0].reason
        )


@pytest.mark.parametrize("name", ["net.keras", "net.weights.h5"])
def test_another_network_is_refused_and_nothing_changes(file, name):
    model = build("cifar_resnet20", num_classes=3, image_size=16, shortcut="B")
    before = arrays(model)
    with pytest.raises(ConfigError, match="not the weights of 'cifar_resnet20'"):
        load_weights(model, file.with_name(name))
    for one, other in zip(arrays(model), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_network_that_a_file_looks_like_is_named(resnet18):
    with pytest.raises(ConfigError, match="The file looks like 'resnet18'"):
        build("resnet34", num_classes=10, image_size=64, weights=resnet18[0])


def test_so_is_that_of_a_file_without_names_and_order(tmp_path):
    """Keras numbers the layers of a class in a `.weights.h5`."""
    theirs = keras.applications.ResNet50(weights=None, include_top=False)
    theirs.save_weights(tmp_path / "a.weights.h5")
    words = r"keeps no order\. The file looks like 'resnet50'\."
    with pytest.raises(ConfigError, match=words):
        build("efficientnet_lite0", num_classes=2, weights=tmp_path / "a.weights.h5")


def test_pixels_come_with_the_weights(file, tmp_path):
    caffe = build("cifar_resnet20", num_classes=3, preprocessing="caffe")
    save_model(caffe, tmp_path / "caffe.keras")
    model = build("cifar_resnet20", num_classes=3, weights=tmp_path / "caffe.keras")
    np.testing.assert_allclose(
        model.get_layer("preprocessing").offset, (-123.68, -116.779, -103.939)
    )


def test_other_pixels_are_obeyed_with_a_warning(file, caplog):
    model = build(
        "cifar_resnet20",
        num_classes=3,
        image_size=16,
        weights=file,
        preprocessing="caffe",
    )
    assert model.get_layer("preprocessing").offset[0] == pytest.approx(-123.68)
    assert "the model has 'caffe', as it was told" in caplog.text


def test_a_state_dict_gives_what_plain_torch_gives(resnet18, caplog):
    path, net = resnet18
    with caplog.at_level(logging.INFO):
        model = build("resnet18", num_classes=1000, image_size=64, weights=path)
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype("f4")
    pixels = (images - np.array(TORCH_MEAN)) / np.array(TORCH_STD)
    with torch.no_grad():
        expected = net(torch.tensor(pixels).permute(0, 3, 1, 2).float())
    logits = keras.Model(model.input, model.get_layer("predictions").output)
    got = logits.predict(images, verbose=0)
    scale = float(expected.abs().max())
    np.testing.assert_allclose(got / scale, expected / scale, atol=5e-6)
    assert "20 arrays num_batches_tracked left out" in caplog.text
    assert {layer.epsilon for layer in model.layers if "bn" in layer.name} == {1e-5}


@pytest.mark.parametrize("weights", ["imagenet2", "missing.txt"])
def test_anything_else(weights):
    with pytest.raises(ConfigError, match="expected None"):
        build("cifar_resnet20", num_classes=3, weights=weights)


def test_a_missing_file(file):
    with pytest.raises(ConfigError, match=r"Did you mean 'net\.keras'"):
        build("cifar_resnet20", num_classes=3, weights=file.with_name("nett.keras"))


@pytest.mark.parametrize("name", ["net.keras", "net.weights.h5"])
def test_a_file_that_is_cut_short(file, name):
    path = file.with_name(name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ExportError, match=name):
        build("cifar_resnet20", num_classes=3, weights=path)


def test_a_file_of_another_kind_than_its_name_says(file):
    shutil.copy(file, file.with_name("net.pth"))
    with pytest.raises(ExportError, match=r"0 members data\.pkl"):
        build("cifar_resnet20", num_classes=3, weights=file.with_name("net.pth"))


def test_a_grey_image_gives_what_it_gives_as_rgb(resnet18):
    path = resnet18[0]
    grey = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 1)).astype("f4")
    sizes = {"num_classes": 1000, "image_size": 64, "weights": path}
    expected = build("resnet18", **sizes).predict(grey.repeat(3, -1), verbose=0)
    model = build("resnet18", **sizes, channels=1)
    assert model.input_shape == (None, 64, 64, 1)
    np.testing.assert_array_equal(model.predict(grey, verbose=0), expected)


def test_six_channels_of_the_same_image_twice(resnet18, tmp_path):
    """Repeated kernels, halved: two equal images give what one gives."""
    image = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype("f4")
    sizes = {"num_classes": 1000, "image_size": 64, "weights": resnet18[0]}
    expected = build("resnet18", **sizes).predict(image, verbose=0)
    model = build("resnet18", **sizes, channels=6)
    twice = np.concatenate([image, image], axis=-1)
    np.testing.assert_allclose(model.predict(twice, verbose=0), expected, atol=1e-5)
    report = load_weights(model, resnet18[0])
    assert [(x.layer, x.reason) for x in report.remarkable] == [
        ("conv1_conv", "3 input channels made 6")
    ]
    save_weights(model, tmp_path / "six.safetensors")
    again = build(
        "resnet18",
        num_classes=1000,
        image_size=64,
        weights=tmp_path / "six.safetensors",
    )
    assert again.input_shape == (None, 64, 64, 6)
    np.testing.assert_array_equal(
        again.predict(twice, verbose=0), model.predict(twice, verbose=0)
    )


def test_channels_first_loads_the_same_weights(resnet18):
    sizes = {"num_classes": 1000, "image_size": 64, "weights": resnet18[0]}
    last = build("resnet18", **sizes)
    first = build("resnet18", **sizes, data_format="channels_first")
    for one, other in zip(first.get_weights(), last.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("channels", [0, 1.5, "3"])
def test_channels_out_of_range(channels):
    with pytest.raises(ConfigError, match="channels: expected a whole number"):
        build("resnet18", num_classes=2, channels=channels)


def test_channels_without_colours():
    with pytest.raises(ConfigError, match="BGR and mean images are for colours"):
        build("resnet18", num_classes=2, channels=4, preprocessing="caffe")
