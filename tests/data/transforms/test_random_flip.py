"""Mirroring."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from residency.data.transforms import RandomFlip
from residency.errors import ConfigError


def batch(count: int, side: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, side, side, 3), np.uint8)


@given(st.integers(0, 5), st.integers(1, 9))
def test_twice_is_identity(count, side):
    flip, images = RandomFlip(probability=1.0), batch(count, side)
    draws = np.zeros((count, 1))
    once = flip.apply(images, draws, side)
    assert (once == images[:, :, ::-1]).all()
    assert (flip.apply(once, draws, side) == images).all()


def test_each_image_by_its_own_draw():
    images = batch(3, 4)
    before = images.copy()
    flipped = RandomFlip().apply(images, np.array([[0.49], [0.5], [0.0]]), 4)
    assert (flipped[[0, 2]] == images[[0, 2], :, ::-1]).all()
    assert (flipped[1] == images[1]).all()
    assert (images == before).all()


def test_probability_zero_never_flips():
    images = batch(3, 4)
    draws = np.zeros((3, 1))
    assert (RandomFlip(probability=0.0).apply(images, draws, 4) == images).all()


def test_probability_is_checked():
    with pytest.raises(ConfigError, match=r"RandomFlip.probability: expected .* 1.5"):
        RandomFlip(probability=1.5)
