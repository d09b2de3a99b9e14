import numpy as np
import pytest

from residency.doctor.checks.data import train_val_preprocess_mismatch

run = train_val_preprocess_mismatch.CHECK.run

MEAN, STD = np.array([123.7, 116.8, 103.9]), np.array([58.4, 57.1, 57.4])
WAYS = {
    "raw": lambda x: x,
    "unit": lambda x: x / 255,
    "tf": lambda x: x / 127.5 - 1,
    "torch": lambda x: (x - MEAN) / STD,
    "caffe": lambda x: x[..., ::-1] - MEAN[::-1],
}


@pytest.mark.parametrize("train", WAYS)
@pytest.mark.parametrize("held_out", WAYS)
def test_each_pair_of_ways(probe_of, pictures, train, held_out):
    x, y = pictures(96)
    z, w = pictures(64, seed=1)
    found = run(probe_of((WAYS[train](x), y), (WAYS[held_out](z), w)))
    assert [f.severity for f in found] == ["error"] * (train != held_out)


def test_how_pixels_are_prepared_is_said_as_it_would_be_written(probe_of, pictures):
    """Zero subtracted and division by one were said as `(pixel - -0) / 1`."""
    x, y = pictures(96)
    z, w = pictures(64, seed=1)
    (found,) = run(probe_of((x, y), (z / 255, w)))
    assert "training has pixel, validation pixel / 255" in found.title
    (found,) = run(probe_of((x / 127.5 - 1, y), (z + 8, w)))
    assert "training has (pixel - 127.5) / 127.5, validation (pixel + 8)" in found.title


def test_it_is_seen_without_steps_too(probe_of, pictures):
    rng = np.random.default_rng(0)
    x, y = pictures(96)
    z, w = pictures(64, seed=1)
    x, z = (a + rng.normal(0, 2, a.shape) for a in (x, z))
    assert run(probe_of((x / 127.5 - 1, y), (z / 255, w)))
    assert run(probe_of((x / 255, y), (z / 255, w))) == []


def test_red_and_blue_exchanged_in_one_part(probe_of, pictures):
    x, y = pictures(200)
    z, w = pictures(200, seed=1)
    (found,) = run(probe_of((x / 255, y), (z[..., ::-1] / 255, w)))
    assert "exchanged" in found.title


@pytest.mark.parametrize(
    "change",
    [
        lambda x, rng: np.clip(x * rng.uniform(0.6, 1.4), 0, 255),
        lambda x, rng: x[:, ::-1] if rng.random() < 0.5 else x,
        lambda x, rng: np.roll(np.pad(x, ((4, 4), (4, 4), (0, 0)))[4:-4, 4:-4], 3, 0),
        lambda x, rng: x * 0 + 255 if rng.random() < 0.1 else x,
    ],
)
def test_augmented_training_data_are_silent(probe_of, pictures, batches, change):
    x, y = pictures(96)
    assert run(probe_of(batches(x, y, change=change), pictures(64, seed=1))) == []


def test_other_classes_in_validation_are_silent(probe_of, pictures):
    x, y = pictures(200)
    low, high = y < 2, y >= 2
    assert run(probe_of((x[low], y[low]), (x[high], y[high]))) == []
