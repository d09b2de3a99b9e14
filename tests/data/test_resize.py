"""The three ways to a square, at odd sizes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from residency.data.resize import MODES, resize, shrink, shrunk_size
from residency.errors import ConfigError

sides = st.integers(1, 60)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.integers(1, 40), st.sampled_from(MODES))
def test_the_result_is_a_square_of_the_size(height, width, size, mode):
    result = resize(noise(height, width), size, mode)
    assert result.shape == (size, size, 3)
    assert result.dtype == np.uint8


@pytest.mark.parametrize("mode", MODES)
def test_the_right_size_is_returned_untouched(mode):
    image = noise(31, 31)
    assert resize(image, 31, mode) is image


@settings(max_examples=30, deadline=None)
@given(sides, sides, sides, st.sampled_from(MODES), st.integers(0, 255))
def test_one_colour_stays_one_colour(height, width, size, mode, value):
    image = np.full((height, width, 3), value, np.uint8)
    assert set(np.unique(resize(image, size, mode))) <= {0, value}
    if mode != "pad":
        assert (resize(image, size, mode) == value).all()


def test_stretch_is_pillow_with_antialiasing():
    image = noise(97, 53)
    expected = Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR)
    assert (resize(image, 32, "stretch") == np.asarray(expected)).all()
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255  # without antialiasing: all black or all white
    assert np.abs(resize(stripes, 16, "stretch").astype(int) - 127).max() < 12


def test_crop_takes_the_exact_centre_of_an_odd_margin():
    image = np.zeros((20, 25, 3), np.uint8)
    image[:] = np.arange(25)[:, None] * 10
    cut = resize(image, 20, "crop")[0, :, 0]
    assert cut.tolist() == [10 * x + 25 for x in range(20)]  # between two pixels


def test_crop_of_the_same_shorter_side_is_bit_exact():
    image = noise(20, 26)
    assert (resize(image, 20, "crop") == image[:, 3:23]).all()


def test_pad_centres_and_keeps_the_aspect_ratio():
    image = np.full((30, 90, 3), 200, np.uint8)
    result = resize(image, 31, "pad")[..., 0]
    rows = np.flatnonzero(result.any(axis=1))
    assert rows.tolist() == list(range(10, 20))
    assert (result[10:20] == 200).all()


def test_pad_keeps_a_line_of_an_extreme_shape():
    assert resize(np.full((1, 500, 3), 255, np.uint8), 8, "pad").max() == 255


@settings(max_examples=40, deadline=None)
@given(sides, sides, st.integers(1, 60))
def test_shrink_limits_the_shorter_side(height, width, limit):
    image = noise(height, width)
    small = shrink(image, limit)
    assert small.shape[:2] == shrunk_size(height, width, limit)
    assert min(small.shape[:2]) == min(height, width, limit)
    if min(height, width) <= limit:
        assert small is image


def test_an_unknown_mode_is_named():
    with pytest.raises(ConfigError, match=r"'strech'\. Did you mean 'stretch'\?"):
        resize(noise(4, 4), 2, "strech")
