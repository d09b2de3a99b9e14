"""Pad and crop: all places occur, uniformly, with exact pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from residency.data.draws import uniforms
from residency.data.transforms import PadCrop
from residency.errors import ConfigError

# each pixel tells its own place, from 1, so that 0 is padding
ROWS, COLUMNS = np.mgrid[1:33, 1:33]
PLACES = np.stack([ROWS, COLUMNS, ROWS], axis=-1).astype(np.uint8)


def offset(cut: np.ndarray, padding: int) -> tuple[int, int]:
    """Returns where the cut was taken, read from its centre pixel."""
    row, column, _ = cut[16, 16].astype(int).tolist()
    return row - 1 - 16 + padding, column - 1 - 16 + padding


def test_all_81_offsets_occur_uniformly():
    count = 81 * 200
    images = np.broadcast_to(PLACES, (count, 32, 32, 3))
    cuts = PadCrop(padding=4).apply(images, uniforms(0, 0, np.arange(count), 0, 2), 32)
    found = np.zeros((9, 9), int)
    for cut in cuts:
        found[offset(cut, 4)] += 1
    assert found.sum() == count
    assert found.min() > 0
    chi2 = ((found - 200) ** 2 / 200).sum()
    assert 33 < chi2 < 140  # 80 degrees of freedom


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 6), st.floats(0, 1, exclude_max=True), st.floats(0, 0.999))
def test_pixels_are_a_cut_of_the_padded_image(padding, down, right):
    fill = (125, 123, 114)
    padded = np.empty((32 + 2 * padding, 32 + 2 * padding, 3), np.uint8)
    padded[:] = fill
    padded[padding : padding + 32, padding : padding + 32] = PLACES
    top, left = int(down * (2 * padding + 1)), int(right * (2 * padding + 1))
    crop = PadCrop(padding=padding, fill=fill)
    cut = crop.apply(PLACES[None], np.array([[down, right]]), 32)[0]
    assert (cut == padded[top : top + 32, left : left + 32]).all()


@pytest.mark.parametrize("place", [0, 1, 2, 3, 4])
def test_reflected_borders_mirror_the_image_without_its_edge(place):
    crop = PadCrop(padding=2, reflect=True)
    cut = crop.apply(PLACES[None], np.full((1, 2), place / 5), 32)[0]
    rows = [abs(row) for row in range(place - 2, 0)]
    rows += list(range(max(0, place - 2), min(32, place + 30)))
    rows += [62 - row for row in range(32, place + 30)]
    assert (cut == PLACES[np.ix_(rows, rows)]).all()


def test_without_padding_nothing_changes():
    images = np.stack([PLACES, PLACES[::-1]])
    crop = PadCrop(padding=0)
    assert (crop.apply(images, np.full((2, 2), 0.99), 32) == images).all()


def test_every_image_by_its_own_draws():
    draws = uniforms(3, 1, np.arange(10), 0, 2)
    images = np.broadcast_to(PLACES, (10, 32, 32, 3))
    together = PadCrop().apply(images, draws, 32)
    for i in range(10):
        alone = PadCrop().apply(images[i : i + 1], draws[i : i + 1], 32)
        assert (together[i] == alone[0]).all()


@pytest.mark.parametrize(
    "wrong", [{"padding": -1}, {"fill": (0, 0)}, {"fill": (0, 0, 256)}]
)
def test_fields_are_checked(wrong):
    with pytest.raises(ConfigError, match=f"PadCrop.{next(iter(wrong))}: expected"):
        PadCrop(**wrong)
