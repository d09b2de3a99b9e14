"""He et al., 2015, section 4.2: counts, shapes, the zero-padding shortcut."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from residency.errors import ConfigError
from residency.models import CIFARResNet, Preprocessing

RAW = Preprocessing(name="raw", mean=(0.0,) * 3, std=(1.0,) * 3)


@pytest.mark.parametrize(
    ("depth", "shortcut", "total"),
    [
        (20, "B", 274_042),
        (32, "B", 469_370),
        (44, "B", 664_698),
        (56, "B", 860_026),
        (110, "B", 1_739_002),
    ],
)
def test_projection_shortcuts_have_the_published_counts(depth, shortcut, total):
    with keras.device("meta"):  # shapes alone
        assert CIFARResNet(depth, shortcut).count_params() == total


def test_zero_shortcut_keeps_every_second_pixel_between_zero_channels():
    model = CIFARResNet(8, image_size=8, preprocessing=RAW)
    before = model.get_layer("conv2_block1_out").output
    after = model.get_layer("conv3_block1_add").input[0]
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 16)).astype("float32")
    y = keras.ops.convert_to_numpy(keras.Function(before, after)(x))
    assert y.shape == (1, 4, 4, 32)
    np.testing.assert_array_equal(y[..., 8:24], x[:, ::2, ::2])
    assert not y[..., :8].any()
    assert not y[..., 24:].any()


@pytest.mark.parametrize("shortcut", ["A", "B"])
@pytest.mark.parametrize("image_size", [16, 28, 33])
def test_any_image_size(shortcut, image_size):
    model = CIFARResNet(8, shortcut, image_size=image_size)
    images = np.zeros((2, image_size, image_size, 3), dtype="uint8")
    assert model.predict(images, verbose=0).shape == (2, 10)


def test_open_image_size(photos):
    model = CIFARResNet(8, image_size=None)
    assert model.predict(photos, verbose=0).shape == (4, 10)
    assert model.predict(photos[:, :24, :20], verbose=0).shape == (4, 10)


def test_bytes_and_floats_give_the_same(photos, small_net):
    small = photos[:, :16, :16]
    np.testing.assert_array_equal(
        small_net.predict(small, verbose=0),
        small_net.predict(small.astype("float32"), verbose=0),
    )


def test_settings_of_the_paper(small_net):
    norms = [
        x for x in small_net.layers if isinstance(x, keras.layers.BatchNormalization)
    ]
    convs = [x for x in small_net.layers if isinstance(x, keras.layers.Conv2D)]
    assert {(x.momentum, x.epsilon) for x in norms} == {(0.9, 1e-5)}
    assert not any(x.use_bias for x in convs)
    assert len(convs) + 1 == 8


def test_saved_file_opens_in_plain_keras(tmp_path, photos):
    model = CIFARResNet(8, preprocessing="caffe")
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "case.npz", x=photos, y=model.predict(photos, verbose=0))
    code = (
        "import keras, numpy as np, sys;"
        "m = keras.models.load_model('model.keras'); case = np.load('case.npz');"
        "assert (m.predict(case['x'], verbose=0) == case['y']).all();"
        "assert 'residency' not in sys.modules"
    )
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("depth", [7, 51, 2, 21])
def test_depth_is_6n_plus_2(depth):
    with pytest.raises(ConfigError, match=r"6n \+ 2.*closest is"):
        CIFARResNet(depth)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shortcut": "C"}, "shortcut: expected 'A'"),
        ({"image_size": 4}, "8 or more, got 4"),
        ({"num_classes": 1}, "2 or more, got 1"),
        ({"preprocessing": "cafe"}, "Did you mean 'caffe'"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ConfigError, match=message):
        CIFARResNet(8, **arguments)
