"""Xie et al., 2017: groups that do not see each other, widths, strides."""

import keras
import numpy as np
import pytest

from residency.errors import ConfigError
from residency.models import ResNeXt29, ResNeXt50, build


def grouped_convolution(x, kernel, groups):
    """3x3, stride 2, one pixel of zeros on every side; in float64, group by group."""
    x = np.pad(x.astype("float64"), ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    windows = windows[:, ::2, ::2]  # (batch, rows, columns, channels, 3, 3)
    parts = zip(
        np.split(windows, groups, axis=3), np.split(kernel, groups, axis=3), strict=True
    )
    return np.concatenate(
        [np.einsum("brcihw,hwio->brco", part, own) for part, own in parts], axis=-1
    )


def test_groups_are_convolved_apart():
    """A net that slices channels in a loop gives each group the last slice."""
    model = ResNeXt29(8, 2, image_size=8)
    before = model.get_layer("conv3_block1_1_relu").output
    conv = model.get_layer("conv3_block1_2_conv")
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 32)).astype("float32")
    y = keras.Function(before, conv.output)(x)
    expected = grouped_convolution(x, conv.get_weights()[0], groups=8)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(y), expected, rtol=1e-4, atol=1e-5
    )


def test_widths_and_shapes_of_the_paper():
    """8x64d: 8 groups of 64, 128, 256 channels; 256, 512, 1024 leave the stages."""
    with keras.device("meta"):  # shapes alone
        model = ResNeXt29()
    for stage, side in ((2, 32), (3, 16), (4, 8)):
        kernel = model.get_layer(f"conv{stage}_block1_2_conv").kernel
        assert kernel.shape == (3, 3, 2**stage * 16, 2**stage * 128)
        out = model.get_layer(f"conv{stage}_block3_out").output
        assert out.shape == (None, side, side, 2**stage * 64)


def test_settings_of_the_paper():
    model = ResNeXt29(2, 1, image_size=8)
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    convs = [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]
    assert {(x.momentum, x.epsilon) for x in norms} == {(0.9, 1e-5)}
    assert not any(x.use_bias for x in convs)
    shortcuts = [x.name for x in convs if x.name.endswith("_0_conv")]
    assert shortcuts == [f"conv{n}_block1_0_conv" for n in (2, 3, 4)]
    assert len(convs) - len(shortcuts) + 1 == 29


def test_classifier_without_bias():
    model = build("resnext29_8x16d", num_classes=2, image_size=8)
    assert len(model.get_layer("predictions").weights) == 1


def test_small_images_get_the_small_stem():
    with keras.device("meta"):
        model = ResNeXt50(num_classes=10, image_size=32)
    assert model.get_layer("conv1_conv").output.shape == (None, 32, 32, 64)
    assert model.get_layer("conv5_block3_out").output.shape == (None, 4, 4, 2048)


def test_open_image_size(photos):
    model = ResNeXt29(2, 1, image_size=None)
    assert model.predict(photos[:, :24, :20], verbose=0).shape == (4, 10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cardinality": 0}, "cardinality: expected a whole number, 1 or more, got 0"),
        ({"group_width": 1.5}, r"group_width: expected .* got 1\.5"),
        ({"image_size": 4}, "8 or more, got 4"),
    ],
)
@pytest.mark.parametrize("builder", [ResNeXt29, ResNeXt50])
def test_impossible_arguments(builder, arguments, message):
    with pytest.raises(ConfigError, match=message):
        builder(**arguments)
