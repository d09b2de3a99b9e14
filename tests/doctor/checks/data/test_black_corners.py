import numpy as np
import pytest
from scipy import ndimage

from residency.doctor.checks.data import black_corners

run = black_corners.CHECK.run


def turn(degrees, **fill):
    def change(image, rng):
        angle = rng.uniform(-degrees, degrees)
        return ndimage.rotate(image, angle, reshape=False, order=1, **fill)

    return change


def pad_crop(image, rng):
    i, j = rng.integers(0, 9, 2)
    return np.pad(image, ((4, 4), (4, 4), (0, 0)))[i : i + 32, j : j + 32]


def turn_then_crop(image, rng):
    wide = ndimage.zoom(image, (1.5, 1.5, 1), order=1)
    return turn(15)(wide, rng)[8:40, 8:40]


HEALTHY = {
    "none": None,
    "reflected": turn(15, mode="reflect"),
    "nearest": turn(15, mode="nearest"),
    "padded": pad_crop,
    "cut off": turn_then_crop,
    "tiny": turn(1),
    "flip": lambda image, rng: image[:, ::-1] if rng.random() < 0.5 else image,
    "dark": lambda image, rng: image * rng.uniform(0.5, 1),
    "erased": lambda image, rng: image * (np.arange(32) > rng.integers(0, 16))[:, None],
}


def scaled(data):
    x, y = data
    return (x - (124, 117, 104)) / 60, y


@pytest.mark.parametrize("degrees", [15, 40])
@pytest.mark.parametrize("scale", [lambda data: data, scaled])
def test_black_corners_are_found(probe_of, pictures, batches, degrees, scale):
    raw = pictures(96)
    black = np.min(scale((np.zeros((1, 1, 1, 3)), None))[0], axis=(0, 1, 2))

    def change(image, rng):
        return turn(degrees)(image - black, rng) + black

    train = batches(*scale(raw), change=change)
    (found,) = run(probe_of(train, scale(pictures(96, seed=1))))
    assert (found.label, found.severity) == ("black_corners", "advice")
    assert found.evidence["training"] > 0.5


@pytest.mark.parametrize("name", HEALTHY)
def test_other_changes_are_silent(probe_of, pictures, batches, name):
    train = batches(*pictures(96), change=HEALTHY[name])
    assert run(probe_of(train, pictures(96, seed=1))) == []


def test_pictures_that_are_black_at_the_corners_are_silent(probe_of, pictures, batches):
    """A disc, as in pictures of eyes."""
    i, j = np.mgrid[:32, :32] - 15.5
    disc = (np.hypot(i, j) < 16)[..., None]
    (x, y), (z, w) = pictures(96), pictures(96, seed=1)
    train = batches(x * disc, y, change=turn(15))
    assert run(probe_of(train, (z * disc, w))) == []


def test_without_clean_pictures_it_cannot_tell(probe_of, pictures, batches):
    train = batches(*pictures(48), change=turn(15))
    assert run(probe_of(train)) is None
