"""Weights out: what is written is what is read, here and in plain Keras."""

import h5py
import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open

from residency.errors import ConfigError, ExportError
from residency.models import (
    Contract,
    build,
    load_weights,
    normalization,
    read_weights,
    save_weights,
)
from residency.models.weights import save

NAMES = ["a.keras", "a.weights.h5", "a.h5", "a.safetensors"]


def net(**changes):
    return build("cifar_resnet20", **{"num_classes": 3, "image_size": 16} | changes)


def fill(model, seed):
    draws = np.random.default_rng(seed)
    for w in model.weights:
        w.assign(draws.normal(size=w.shape))
    return model


@pytest.fixture(scope="module")
def trained():
    return fill(net(preprocessing="caffe"), 1)


@pytest.fixture(scope="module")
def other():
    return net(preprocessing="caffe")


def same(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_saved_is_what_is_built_from_it(trained, tmp_path, photos, name):
    save_weights(trained, tmp_path / name)
    again = net(weights=tmp_path / name)
    same(again, trained)
    small = photos[:, :16, :16]
    np.testing.assert_array_equal(
        again.predict(small, verbose=0), trained.predict(small, verbose=0)
    )
    assert [p.name for p in tmp_path.iterdir()] == [name]


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(NAMES[1:]))
def test_save_then_load_is_identity(trained, other, tmp_path, seed, name):
    fill(trained, seed)
    trained.weights[0].assign(np.full(trained.weights[0].shape, -0.0))
    trained.weights[1].assign(np.full(trained.weights[1].shape, np.nan))
    save_weights(trained, tmp_path / name)
    report = load_weights(other, tmp_path / name)
    assert not report.remarkable
    same(other, trained)


@pytest.mark.parametrize("name", NAMES[1:3])
def test_plain_keras_reads_it(trained, other, tmp_path, name):
    fill(trained, 5)
    save_weights(trained, tmp_path / name)
    fill(other, 6)
    other.load_weights(tmp_path / name)
    same(other, trained)


def test_plain_keras_reads_the_old_layout_by_name(trained, tmp_path):
    save_weights(trained, tmp_path / "a.h5")
    kernel, beta = keras.Input((16, 16, 3)), "conv1_bn"
    x = keras.layers.Conv2D(16, 3, use_bias=False, name="conv1_conv")(kernel)
    part = keras.Model(kernel, keras.layers.BatchNormalization(name=beta)(x))
    part.load_weights(tmp_path / "a.h5", by_name=True)
    for mine, theirs in zip(
        part.get_layer(beta).get_weights(),
        trained.get_layer(beta).get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_safetensors_has_the_paths_and_says_what_it_is_for(trained, tmp_path):
    contract = Contract(class_names=("cat", "dog", "fox"), image_size=16)
    save_weights(trained, tmp_path / "a.safetensors", contract)
    with safe_open(tmp_path / "a.safetensors", framework="np") as file:
        assert set(file.keys()) == {w.path for w in trained.weights}
    said = read_weights(tmp_path / "a.safetensors").metadata
    assert said["class_names"] == ["cat", "dog", "fox"]
    assert said["preprocessing"]["channel_order"] == "bgr"
    assert said["preprocessing"]["mean"] == [123.68, 116.779, 103.939]
    assert said["bn_epsilon"] == trained.get_layer("conv1_bn").epsilon


def test_a_mean_image_travels_where_it_can(tmp_path):
    mean = np.random.default_rng(0).uniform(100, 140, (64, 64, 3))
    model = net(image_size=64, preprocessing=normalization(mean))
    save_weights(model, tmp_path / "a.safetensors")
    again = net(image_size=64, weights=tmp_path / "a.safetensors")
    np.testing.assert_array_equal(
        again.get_layer("preprocessing").offset, model.get_layer("preprocessing").offset
    )
    with pytest.raises(ConfigError, match="has a mean image"):
        save_weights(model, tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()


def test_names_too_long_for_one_attribute_are_cut_as_in_keras(tmp_path):
    inputs = x = keras.Input((1,))
    for number in range(700):
        x = keras.layers.Dense(1, name=f"{number:0100}")(x)
    model = keras.Model(inputs, x)
    save_weights(model, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert {"layer_names0", "layer_names1"} <= set(file.attrs)
    again = keras.models.clone_model(model)
    again.load_weights(tmp_path / "a.h5")
    same(again, model)


@pytest.mark.parametrize("name", NAMES)
def test_what_does_not_read_back_is_not_kept(trained, tmp_path, monkeypatch, name):
    old = tmp_path / name
    old.write_text("old")
    monkeypatch.setattr(save, "_equal", lambda one, other: False)
    with pytest.raises(ExportError, match="does not read back"):
        save_weights(trained, old)
    assert old.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == [name]


def part(name):
    """A model with a layer of the same name as every other's."""
    images = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(4, 3, padding="same", name="conv")(images)
    return keras.Model(images, keras.layers.BatchNormalization(name="bn")(x), name=name)


def transfer(*parts):
    """A usual model for transfer: whole models, attention and statistics in one."""
    images = x = keras.Input((8, 8, 4))
    for layer in (keras.layers.Normalization(), *parts):
        x = layer(x)
    x = keras.layers.Reshape((64, 4))(x)
    x = keras.layers.MultiHeadAttention(2, 4, name="attention", dropout=0.1)(x, x)
    x = keras.layers.GlobalAveragePooling1D()(x)
    return keras.Model(images, keras.layers.Dense(2, name="predictions")(x))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("trainable", [True, False])
def test_a_model_within_the_model_is_saved(tmp_path, name, trainable):
    base = part("base")
    base.trainable = trainable
    base.get_layer("bn").trainable = False
    model = fill(transfer(base), 0)
    save_weights(model, tmp_path / name)
    if name == "a.keras":
        again = keras.saving.load_model(tmp_path / name)
    else:
        again = keras.models.clone_model(model)
        load = load_weights if name == "a.safetensors" else keras.Model.load_weights
        load(again, tmp_path / name)
    same(again, model)


@pytest.mark.parametrize("name", NAMES)
def test_two_weights_of_one_name_are_both_saved_or_refused(tmp_path, name):
    model = fill(transfer(part("one"), part("other")), 0)
    assert len({w.path for w in model.weights}) < len(model.weights)
    if name == "a.safetensors":
        with pytest.raises(ConfigError, match="weights: two are called conv/kernel"):
            save_weights(model, tmp_path / name)
        assert list(tmp_path.iterdir()) == []
        return
    save_weights(model, tmp_path / name)
    assert (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["a.h5", "a.weights.h5"])
def test_class_names_too_long_for_the_file_are_named(trained, tmp_path, name):
    names = tuple(f"{number:03} {'n' * 190}" for number in range(400))
    contract = Contract(class_names=names, image_size=16)
    with pytest.raises(ConfigError, match=f"{name}: the names of 400 classes take"):
        save_weights(trained, tmp_path / name, contract)


def test_a_full_disk_is_one_error_of_ours(trained, tmp_path, monkeypatch):
    def full(*given, **named):
        raise SafetensorError("I/O error: No space left on device")

    monkeypatch.setattr("safetensors.numpy.save_file", full)
    with pytest.raises(ExportError, match="No space left on device"):
        save_weights(trained, tmp_path / "a.safetensors")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("name", ["a.weights.h5", "a.h5"])
def test_a_model_that_cannot_be_copied_is_saved(tmp_path, name):
    inputs = keras.Input((4,))
    half = keras.layers.Lambda(lambda x: x / 2)(inputs)
    model = fill(keras.Model(inputs, keras.layers.Dense(2)(half)), 3)
    before = model.get_weights()
    save_weights(model, tmp_path / name)
    model.set_weights([0 * w for w in before])
    model.load_weights(tmp_path / name)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_ending(trained, tmp_path):
    with pytest.raises(ConfigError, match=r"ends in \.keras, \.weights\.h5"):
        save_weights(trained, tmp_path / "a.onnx")
