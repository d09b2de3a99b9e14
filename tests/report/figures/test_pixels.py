"""Any array becomes the picture that a person would expect."""

import numpy as np
import pytest

from residency.errors import DataError
from residency.report.figures.pixels import as_bytes, fitted


def test_uint8_is_untouched_even_beside_floats():
    photo = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    first, second = as_bytes([photo, np.full((2, 2, 3), 0.5)])
    assert np.array_equal(first, photo)
    assert second[0, 0].tolist() == [128, 128, 128]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, [0, 255]),
        (0.0, 200.0, [0, 200]),
        (-2.1, 2.6, [0, 255]),
        (0.0, 65535.0, [0, 255]),
    ],
)
def test_range_of_floats(low, high, expected):
    image = np.array([[low, high]])
    assert as_bytes([image])[0][0, :, 0].tolist() == expected


def test_range_is_of_the_whole_batch():
    dark, bright = as_bytes([np.full((1, 1), 0.9), np.full((1, 1), 200.0)])
    assert (dark[0, 0, 0], bright[0, 0, 0]) == (1, 200)


def test_no_numbers_are_black_and_do_not_set_the_range():
    image = np.array([[np.nan, np.inf, -np.inf, 0.5]])
    assert as_bytes([image])[0][0, :, 0].tolist() == [0, 255, 0, 128]


def test_constant_and_boolean_images():
    assert as_bytes([np.full((2, 2), -7.0)])[0].max() == 0
    assert as_bytes([np.array([[True, False]])])[0][0, :, 1].tolist() == [255, 0]


def test_transparent_is_white():
    image = np.zeros((1, 1, 4), np.uint8)
    assert as_bytes([image])[0].tolist() == [[[255, 255, 255]]]


@pytest.mark.parametrize("shape", [(3,), (4, 4, 2), (0, 4, 3), (1, 4, 4, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(DataError, match="image 0 of the grid"):
        as_bytes([np.zeros(shape)])


def test_tiny_images_keep_their_pixels():
    image = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    large = fitted(image, 100)
    assert large.shape == (96, 96, 3)
    assert np.array_equal(large[::12, ::12], image)


@pytest.mark.parametrize("shape", [(500, 10), (10, 500), (64, 64), (1, 3000)])
def test_large_images_fit(shape):
    height, width = fitted(np.zeros((*shape, 3), np.uint8), 90).shape[:2]
    assert max(height, width) == 90
    assert min(height, width) >= 1
