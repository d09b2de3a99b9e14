"""Boxes inside the photo, of the area and ratio asked for; torchvision's fallback."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from residency.data.draws import uniforms
from residency.data.transforms import RandomResizedCrop
from residency.errors import ConfigError

sides = st.integers(1, 400)


def boxes(crop: RandomResizedCrop, height: int, width: int, count: int) -> np.ndarray:
    shapes = np.tile([height, width], (count, 1))
    return crop.boxes(shapes, uniforms(0, 0, np.arange(count), 0, crop.draws))


@settings(max_examples=60, deadline=None)
@given(sides, sides)
def test_boxes_lie_inside(height, width):
    top, left, tall, wide = boxes(RandomResizedCrop(), height, width, 50).T
    assert min(top.min(), left.min()) >= 0
    assert min(tall.min(), wide.min()) >= 1
    assert (top + tall).max() <= height
    assert (left + wide).max() <= width


def test_area_and_ratio_keep_their_ranges():
    _, _, tall, wide = boxes(RandomResizedCrop(), 1000, 1000, 4000).T
    share, ratio = tall * wide / 1e6, wide / tall
    assert 0.079 < share.min() < 0.09
    assert 0.98 < share.max() <= 1
    assert 0.74 < ratio.min() < 0.76
    assert 1.32 < ratio.max() < 1.35
    assert abs(np.log(ratio).mean()) < 0.02


def test_places_are_uniform():
    crop = RandomResizedCrop(scale=(0.25, 0.25), ratio=(1.0, 1.0))
    top, left, tall, wide = boxes(crop, 16, 16, 16_200).T
    assert (tall == 8).all()
    assert (wide == 8).all()
    counts = np.bincount(top * 9 + left, minlength=81)
    assert 33 < ((counts - 200) ** 2 / 200).sum() < 140  # 80 degrees of freedom


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (10, 100, [0, 43, 10, 13]),  # too wide: ratio 4/3 in the centre
        (100, 10, [43, 0, 13, 10]),  # too tall: ratio 3/4
    ],
)
def test_fallback_is_the_largest_centred_box(height, width, expected):
    crop = RandomResizedCrop(scale=(1.0, 1.0))
    assert boxes(crop, height, width, 1).tolist() == [expected]


def test_fallback_takes_the_whole_photo_if_its_ratio_is_allowed():
    crop = RandomResizedCrop(scale=(1.0, 1.0), ratio=(0.5, 1.9))
    draws = np.full((1, 22), 0.999)  # ratio 1.9: wider than the photo
    assert crop.boxes(np.array([[100, 120]]), draws).tolist() == [[0, 0, 100, 120]]


def test_pixels_are_pillows_resize_of_the_box():
    photo = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
    crop = RandomResizedCrop()
    draws = uniforms(0, 0, np.arange(5), 0, 22)
    cuts = crop.apply([photo] * 5, draws, 24)
    shapes = np.tile([60, 90], (5, 1))
    for cut, (top, left, tall, wide) in zip(
        cuts, crop.boxes(shapes, draws), strict=True
    ):
        part = Image.fromarray(photo).crop((left, top, left + wide, top + tall))
        expected = part.resize((24, 24), Image.Resampling.BILINEAR)
        assert (cut == np.asarray(expected)).all()


def test_photos_of_many_sizes_and_none():
    photos = [np.zeros((h, w, 3), np.uint8) for h, w in [(9, 80), (50, 7), (1, 1)]]
    crop = RandomResizedCrop()
    draws = uniforms(0, 0, np.arange(3), 0, 22)
    assert crop.apply(photos, draws, 16).shape == (3, 16, 16, 3)
    assert crop.apply([], draws[:0], 16).shape == (0, 16, 16, 3)


@pytest.mark.parametrize(
    "wrong", [{"scale": (0.0, 1.0)}, {"scale": (0.5, 0.4)}, {"ratio": (2.0, 1.0)}]
)
def test_fields_are_checked(wrong):
    field = next(iter(wrong))
    with pytest.raises(ConfigError, match=f"RandomResizedCrop.{field}: expected"):
        RandomResizedCrop(**wrong)
