"""Weight files of Keras 1 and 2, loaded by name and by order, beside Keras itself.

The names and their order are what `resnet50.py` of Keras 1.2 and 2.0 makes: layers as
`Model.layers` sorts them, by depth, so that a projection follows the convolution of
its depth (`res2a_branch2c`, `res2a_branch1`, `bn2a_branch2c`, `bn2a_branch1`).
"""

import h5py
import keras
import numpy as np
import pytest

from residency.errors import ConfigError
from residency.models import build, load_weights

SHORT = {
    "kernel": "W",
    "bias": "b",
    "gamma": "gamma",
    "beta": "beta",
    "moving_mean": "running_mean",
    "moving_variance": "running_std",
}


def caffe_names():
    """Yields old and new names of the layers with weights, in the order of the file."""
    yield from (("conv1", "conv1_conv"), ("bn_conv1", "conv1_bn"))
    for stage, blocks in ((2, "abc"), (3, "abcd"), (4, "abcdef"), (5, "abc")):
        for number, letter in enumerate(blocks, start=1):
            new = f"conv{stage}_block{number}"
            for place, branch in ((1, "2a"), (2, "2b")):
                yield f"res{stage}{letter}_branch{branch}", f"{new}_{place}_conv"
                yield f"bn{stage}{letter}_branch{branch}", f"{new}_{place}_bn"
            ends = [("2c", 3), ("1", 0)] if letter == "a" else [("2c", 3)]
            for kind, end in (("res", "conv"), ("bn", "bn")):
                for branch, place in ends:
                    yield (
                        f"{kind}{stage}{letter}_branch{branch}",
                        f"{new}_{place}_{end}",
                    )
    yield "fc1000", "predictions"


NAMES = list(caffe_names())
FILE = "resnet50_weights_tf_dim_ordering_tf_kernels.h5"


@pytest.fixture(scope="module")
def resnet50():
    """Keras' own ResNet-50, with arrays that tell layers apart."""
    model = keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3))
    draws = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            last = 0.2 if layer.name.endswith("3_bn") else 1.0
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights(
                [
                    draws.uniform(0.5, 1.0, gamma.shape) * last,
                    draws.normal(0, 0.1, beta.shape),
                    draws.normal(0, 0.1, mean.shape),
                    draws.uniform(0.5, 1.0, variance.shape),
                ]
            )
    return model


def write(path, model, names, style):
    """Writes the layout of Keras 1 (`conv1_W:0`) or 2 (`conv1/kernel:0`)."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [old.encode() for old, _ in names]
        for old, new in names:
            group = file.create_group(old)
            stored = []
            for w in model.get_layer(new).weights:
                last = w.path.rpartition("/")[2]
                name = f"{old}/{last}:0" if style == 2 else f"{old}_{SHORT[last]}:0"
                group[name] = w.numpy()
                stored.append(name.encode())
            group.attrs["weight_names"] = stored
    return path


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).integers(0, 256, (2, 64, 64, 3)).astype("f4")


def expected(model, images):
    prepared = keras.applications.imagenet_utils.preprocess_input(images.copy())
    return model.predict(prepared, verbose=0)


@pytest.mark.parametrize(("style", "by"), [(1, "auto"), (2, "name")])
def test_the_file_of_text_1(resnet50, images, tmp_path, style, by):
    """S1-16: 107 layers matched; probabilities within 1e-6 of those of Keras."""
    path = write(tmp_path / FILE, resnet50, NAMES, style)
    model = build("resnet50", num_classes=1000, image_size=64, preprocessing="caffe")
    report = load_weights(model, path, by=by)
    assert len(report.layers) == 107
    assert report.remarkable == ()
    np.testing.assert_allclose(
        model.predict(images, verbose=0), expected(resnet50, images), atol=1e-6
    )


@pytest.mark.parametrize("by", ["name", "order"])
def test_the_file_of_text_1_in_text_1s_network(resnet50, tmp_path, by):
    """By order with names that are nowhere else: every array lands where it should."""
    unknown = [(f"layer{k}", new) for k, (_, new) in enumerate(NAMES)]
    path = write(tmp_path / FILE, resnet50, unknown if by == "order" else NAMES, 1)
    model = build("resnet50_keras2", num_classes=1000)
    assert load_weights(model, path, by=by).remarkable == ()
    for old, new in NAMES:
        got, expected = model.get_layer(old), resnet50.get_layer(new)
        for a, b in zip(got.get_weights(), expected.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_pixels_and_epsilon_come_with_the_weights(resnet50, images, tmp_path):
    write(tmp_path / "a.h5", resnet50, NAMES, 1)
    model = build(
        "resnet50", num_classes=1000, image_size=64, weights=tmp_path / "a.h5"
    )
    assert {x.epsilon for x in model.layers if x.name.endswith("_bn")} == {1.001e-5}
    np.testing.assert_allclose(
        model.predict(images, verbose=0), expected(resnet50, images), atol=1e-6
    )


@pytest.mark.slow
def test_what_keras_saves_itself(resnet50, images, tmp_path):
    resnet50.save(tmp_path / "a.h5")
    resnet50.save_weights(tmp_path / "a.weights.h5")
    resnet50.save(tmp_path / "a.keras")
    for name in ("a.h5", "a.weights.h5", "a.keras"):
        model = build(
            "resnet50", num_classes=1000, image_size=64, weights=tmp_path / name
        )
        np.testing.assert_allclose(
            model.predict(images, verbose=0), expected(resnet50, images), atol=1e-6
        )


def test_text_1s_four_classes_leave_the_head_new(resnet50, tmp_path):
    """S1-T3: never a 1000-way head on four classes."""
    write(tmp_path / "a.h5", resnet50, NAMES, 1)
    model = build("resnet50", num_classes=4, image_size=64)
    report = load_weights(model, tmp_path / "a.h5")
    assert [(x.layer, x.status, x.reason) for x in report.remarkable] == [
        ("predictions", "new", "1000 classes in the file, 4 here")
    ]


def test_a_file_without_a_head(resnet50, tmp_path):
    write(tmp_path / "notop.h5", resnet50, NAMES[:-1], 2)
    model = build("resnet50", num_classes=4, image_size=64)
    report = load_weights(model, tmp_path / "notop.h5")
    assert [(x.layer, x.status) for x in report.remarkable] == [("predictions", "new")]


def test_weights_of_version_1_in_version_1_5(resnet50, tmp_path):
    """Every shape fits; only the strides would be wrong."""
    write(tmp_path / "a.h5", resnet50, NAMES, 1)
    with pytest.raises(ConfigError, match=r"1x1 \(version 1\).* Build 'resnet50'"):
        build("resnet50_v1_5", num_classes=1000, weights=tmp_path / "a.h5")


def test_order_with_one_layer_too_few(resnet50, tmp_path):
    odd = [(f"layer{k}", new) for k, (_, new) in enumerate(NAMES) if k != 50]
    write(tmp_path / "a.h5", resnet50, odd, 1)
    with pytest.raises(ConfigError, match="shape differs"):
        build("resnet50", num_classes=1000, image_size=64, weights=tmp_path / "a.h5")


def test_vgg16(images, tmp_path):
    """Names as here; pixels are Caffe's. Probabilities within 1e-6 of Keras' own."""
    theirs = keras.applications.VGG16(weights=None, input_shape=(64, 64, 3), classes=5)
    names = [(x.name, x.name) for x in theirs.layers if x.weights]
    write(tmp_path / "a.h5", theirs, names, 1)
    model = build("vgg16", num_classes=5, image_size=64, weights=tmp_path / "a.h5")

    np.testing.assert_allclose(
        model.predict(images, verbose=0), expected(theirs, images), atol=1e-6
    )
