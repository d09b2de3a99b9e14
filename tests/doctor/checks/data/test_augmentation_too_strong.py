import numpy as np
import pytest
from scipy import ndimage

from residency.doctor.checks.data import augmentation_too_strong

run = augmentation_too_strong.CHECK.run


def affine(image, rng, zoom=(1, 1), rotation=0, shift=0, mode="nearest"):
    angle = np.deg2rad(rng.uniform(-rotation, rotation))
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos, -sin], [sin, cos]]) * rng.uniform(*zoom)
    centre = (np.array(image.shape[:2]) - 1) / 2
    offset = centre - matrix @ centre + rng.uniform(-shift, shift, 2) * len(image)
    turned = [
        ndimage.affine_transform(image[..., c], matrix, offset, order=1, mode=mode)
        for c in range(3)
    ]
    return np.stack(turned, axis=-1)


def hue(image, rng, most):
    """Turns colours about the grey axis by up to `most` of the circle."""
    angle = 2 * np.pi * rng.uniform(-most, most)
    a = np.cos(angle) / 1 + (1 - np.cos(angle)) / 3
    b, c = (
        (1 - np.cos(angle)) / 3 + sign * np.sqrt(1 / 3) * np.sin(angle)
        for sign in (-1, 1)
    )
    return image @ np.array([[a, b, c], [c, a, b], [b, c, a]])


def erase(image, rng):
    image = image.copy()
    i, j = rng.integers(0, 16, 2)
    image[i : i + 16, j : j + 16] = 0
    return image


SICK = {
    "zoom": lambda x, r: affine(x, r, zoom=(20, 60)),
    "enlarged": lambda x, r: affine(x, r, zoom=(0.01, 0.02)),
    "dark": lambda x, r: x * r.uniform(0.2, 0.6),
    "faded": lambda x, r: x.mean() + (x - x.mean()) * r.uniform(0.02, 0.15),
    "hue": lambda x, r: hue(x, r, 0.5),
    "unclipped": lambda x, r: x + r.choice([-200, 200]),
}
HEALTHY = {
    "none": None,
    "flip": lambda x, r: x[:, ::-1] if r.random() < 0.5 else x,
    "crop": lambda x, r: affine(x, r, zoom=(0.6, 1)),
    "generator": lambda x, r: affine(x, r, (0.8, 1.2), 40, 0.2),
    "black corners": lambda x, r: affine(x, r, (0.9, 1.1), 15, 0.1, "constant"),
    "jitter": lambda x, r: np.clip(x * r.uniform(0.6, 1.4), 0, 255),
    "contrast": lambda x, r: np.clip(
        x.mean() + (x - x.mean()) * r.uniform(0.5, 1.5), 0, 255
    ),
    "small hue": lambda x, r: np.clip(hue(x, r, 0.08), 0, 255),
    "erase": erase,
}


@pytest.mark.parametrize("name", SICK)
def test_strong_changes_are_found(probe_of, pictures, batches, name):
    train = batches(*pictures(128), change=SICK[name])
    (found,) = run(probe_of(train, pictures(96, seed=1)))
    assert (found.label, found.severity) == ("augmentation_too_strong", "warning")


@pytest.mark.parametrize("name", HEALTHY)
def test_usual_changes_are_silent(probe_of, pictures, batches, name):
    train = batches(*pictures(128), change=HEALTHY[name])
    assert run(probe_of(train, pictures(96, seed=1))) == []


def test_smeared_pictures_are_found_without_clean_ones(probe_of, pictures, batches):
    change = SICK["zoom"]
    train, held_out = (batches(*pictures(96, seed=s), change=change) for s in (0, 1))
    assert run(probe_of(train, held_out))
