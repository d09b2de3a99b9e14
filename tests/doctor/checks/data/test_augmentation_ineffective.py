import keras
import numpy as np
import pytest

from residency.doctor.checks.data import augmentation_ineffective

run = augmentation_ineffective.CHECK.run


def brighten(most):
    return lambda image, rng: image + rng.uniform(-most, most)


def crop(image, rng):
    i, j = rng.integers(0, 9, 2)
    return np.pad(image, ((4, 4), (4, 4), (0, 0)), mode="reflect")[
        i : i + 32, j : j + 32
    ]


def flip(image, rng):
    return image[:, ::-1] if rng.random() < 0.5 else image


@pytest.mark.parametrize("also", [lambda image, rng: image, flip, crop])
def test_a_brightness_of_a_fraction_of_a_level_is_found(
    probe_of, pictures, batches, also
):
    def change(image, rng):
        return brighten(0.3)(also(image, rng), rng)

    (found,) = run(probe_of(batches(*pictures(64), change=change)))
    assert found.severity == "warning"
    assert found.evidence["relative_change"] < 0.01


@pytest.mark.parametrize("change", [None, flip, crop, brighten(30)])
def test_visible_changes_and_none_are_silent(probe_of, pictures, batches, change):
    assert run(probe_of(batches(*pictures(64), change=change))) == []
    x, y = pictures(64)
    assert run(probe_of(batches((x - 120) / 60, y, change=change))) == []


@pytest.mark.parametrize(
    ("scale", "noise", "count"), [(1, 0.02, 1), (1 / 25, 0.005, 1), (1 / 255, 0.02, 0)]
)
def test_noise_of_a_layer_on_the_scale_of_pixels(
    probe_of, pictures, scale, noise, count
):
    """0.02 is nothing beside a deviation of sixty, and a little beside a quarter."""
    x, y = pictures(64)
    layers = [keras.layers.GaussianNoise(noise), keras.layers.Flatten()]
    layers += [keras.layers.Dense(4, activation="softmax")]
    found = run(probe_of((x * scale, y), layers=layers)) or ()
    assert len(found) == count
    for finding in found:
        cure = keras.Sequential([eval(line) for line in finding.snippet.splitlines()])
        assert cure.layers[-1].stddev >= 0.05
