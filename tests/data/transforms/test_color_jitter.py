"""Colours against formulas computed another way, to within one level."""

import colorsys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from residency.data.transforms import ColorJitter
from residency.errors import ConfigError

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 9, 11, 3), np.uint8)
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R 601-2
MIDDLE = 0.5


def applied(jitter: ColorJitter, **draws: float) -> np.ndarray:
    order = ("brightness", "contrast", "saturation", "hue")
    row = [draws.get(name, MIDDLE) for name in order]
    return jitter.apply(IMAGES, np.array([row] * len(IMAGES)), 0).astype(int)


def blended(neutral, factor: float) -> np.ndarray:
    return np.clip(neutral + factor * (IMAGES - neutral), 0, 255)


draws = st.floats(0, 1, exclude_max=True)


@settings(max_examples=25, deadline=None)
@given(draws, st.floats(0.01, 2.0))
def test_brightness(draw, strength):
    factor = (low := max(0, 1 - strength)) + draw * (1 + strength - low)
    result = applied(ColorJitter(brightness=strength), brightness=draw)
    assert np.abs(result - blended(0, factor)).max() <= 1


@settings(max_examples=25, deadline=None)
@given(draws)
def test_contrast(draw):
    mean = np.rint((IMAGES @ LUMA).mean(axis=(1, 2)))[:, None, None, None]
    result = applied(ColorJitter(contrast=0.4), contrast=draw)
    assert np.abs(result - blended(mean, 0.6 + 0.8 * draw)).max() <= 1


@settings(max_examples=25, deadline=None)
@given(draws)
def test_saturation(draw):
    grey = np.rint(IMAGES @ LUMA)[..., None]
    result = applied(ColorJitter(saturation=0.4), saturation=draw)
    assert np.abs(result - blended(grey, 0.6 + 0.8 * draw)).max() <= 1


@pytest.mark.parametrize("draw", [0.0, 0.1, 0.25, 0.75, 0.9, 0.999])
def test_hue_turns_the_colour_circle(draw):
    shift = 0.5 * (2 * draw - 1)
    result = applied(ColorJitter(hue=0.5), hue=draw) / 255
    for before, after in zip(
        IMAGES.reshape(-1, 3) / 255, result.reshape(-1, 3), strict=True
    ):
        hue, saturation, value = colorsys.rgb_to_hsv(*before)
        new_hue, new_saturation, new_value = colorsys.rgb_to_hsv(*after)
        assert abs(new_value - value) <= 1.5 / 255
        if saturation * value > 0.4:  # below, 8 bits do not tell the hue
            turned = (new_hue - hue - shift + 0.5) % 1 - 0.5
            assert abs(turned) < 0.02
            assert abs(new_saturation - saturation) < 0.03


def test_nothing_asked_nothing_changed():
    draws = np.random.default_rng(0).random((2, 4))
    assert (ColorJitter().apply(IMAGES, draws, 0) == IMAGES).all()


def test_each_image_by_its_own_draws():
    jitter = ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
    draws = np.random.default_rng(0).random((2, 4))
    both = jitter.apply(IMAGES, draws, 0)
    assert (jitter.apply(IMAGES[1:], draws[1:], 0) == both[1:]).all()


@pytest.mark.parametrize("wrong", [{"brightness": -0.1}, {"hue": 0.6}])
def test_fields_are_checked(wrong):
    with pytest.raises(ConfigError, match=f"ColorJitter.{next(iter(wrong))}: expected"):
        ColorJitter(**wrong)
