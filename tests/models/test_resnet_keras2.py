"""The names and the order of the weight file of Keras 1 and 2.

Listed from `keras_applications/resnet50.py` (Keras 2.2): names of layers and order of
`layer_names`; names of arrays as Keras 1 wrote them.
"""

import h5py
import keras
import numpy as np
import pytest

from residency.errors import ConfigError
from residency.models import ResNet50Keras2, build


def layers_of_the_file():
    """Yields (layer, shapes of its arrays) in the order of the file."""

    def conv(name, size, filters_in, filters):
        return name, [(size, size, filters_in, filters), (filters,)]

    def norm(name, filters):
        return name, [(filters,)] * 4

    yield conv("conv1", 7, 3, 64)
    yield norm("bn_conv1", 64)
    before = 64
    for stage, letters in ((2, "abc"), (3, "abcd"), (4, "abcdef"), (5, "abc")):
        width, after = 2 ** (stage + 4), 2 ** (stage + 6)
        for letter in letters:
            block = f"{stage}{letter}_branch"
            yield conv(f"res{block}2a", 1, before, width)
            yield norm(f"bn{block}2a", width)
            yield conv(f"res{block}2b", 3, width, width)
            yield norm(f"bn{block}2b", width)
            yield conv(f"res{block}2c", 1, width, after)
            if letter == "a":
                yield conv(f"res{block}1", 1, before, after)
            yield norm(f"bn{block}2c", after)
            if letter == "a":
                yield norm(f"bn{block}1", after)
            before = after
    yield "fc1000", [(2048, 1000), (1000,)]


def write_file(path, rng):
    """Writes such a file of random numbers; returns the arrays by layer."""
    arrays = {}
    with h5py.File(path, "w") as file:
        names = [name for name, _ in layers_of_the_file()]
        file.attrs["layer_names"] = [name.encode() for name in ["input_1", *names]]
        file.attrs["keras_version"] = b"1.1.0"
        file.create_group("input_1").attrs["weight_names"] = []
        for name, shapes in layers_of_the_file():
            group = file.create_group(name)
            kinds = ("W", "b")
            if len(shapes) == 4:
                kinds = ("gamma", "beta", "running_mean", "running_std")
            stored = [f"{name}_{kind}:0" for kind in kinds]
            group.attrs["weight_names"] = [x.encode() for x in stored]
            arrays[name] = [rng.random(shape, dtype="float32") for shape in shapes]
            for each, array in zip(stored, arrays[name], strict=True):
                group[each] = array
    return arrays


@pytest.mark.parametrize("by_name", [False, True])
def test_the_file_of_keras_1_loads(by_name, tmp_path):
    path = tmp_path / "resnet50_weights_tf_dim_ordering_tf_kernels.h5"
    arrays = write_file(path, np.random.default_rng(0))
    model = ResNet50Keras2(image_size=64)
    model.load_weights(path, by_name=by_name)  # Keras' own reader of such files
    found = {layer.name: layer for layer in model.layers if layer.weights}
    assert list(found) == list(arrays)
    for name, layer in found.items():
        for got, expected in zip(layer.get_weights(), arrays[name], strict=True):
            np.testing.assert_array_equal(got, expected)


def test_sizes_of_the_text():
    """Zero padding 3, 7x7/2, max-pooling without padding, average pooling of 7."""
    with keras.device("meta"):  # shapes alone
        model = ResNet50Keras2()
    sides = {"conv1_pad": 230, "conv1": 112, "pool1": 55, "res2c": 55, "res3d": 28}
    sides |= {"res4f": 14, "res5c": 7}
    assert {name: model.get_layer(name).output.shape[1] for name in sides} == sides
    assert model.get_layer("avg_pool").pool_size == (7, 7)
    assert model.get_layer("flatten").output.shape == (None, 2048)
    first = model.get_layer("res3a_branch2a")
    assert first.strides == (2, 2)
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert {x.epsilon for x in norms} == {1.001e-5}


def test_default_preprocessing_is_that_of_the_file():
    with keras.device("meta"):
        model = ResNet50Keras2(num_classes=2, image_size=64)
    np.testing.assert_allclose(
        model.get_layer("preprocessing").offset, [-123.68, -116.779, -103.939]
    )
    assert "Flip" in {type(operation).__name__ for operation in model.operations}


def test_other_classes_have_another_name():
    """By name, a file of 1000 classes leaves the new head as it is."""
    with keras.device("meta"):
        model = build("resnet50_keras2", num_classes=4, image_size=64)
    assert model.get_layer("fc4").output.shape == (None, 4)


def test_open_size_gives_what_a_fixed_one_gives(photos):
    images = np.tile(photos, (1, 3, 3, 1))
    fixed = ResNet50Keras2(num_classes=3, image_size=96)
    free = ResNet50Keras2(num_classes=3, image_size=None)
    free.set_weights(fixed.get_weights())
    np.testing.assert_allclose(
        free.predict(images, verbose=0), fixed.predict(images, verbose=0), rtol=1e-5
    )


def test_too_small():
    with pytest.raises(ConfigError, match="64 or more, got 63"):
        ResNet50Keras2(image_size=63)
