"""Means and deviations against NumPy on all pixels at once, and CIFAR-10's own."""

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from residency.data import statistics
from residency.data.dataset import Part
from residency.data.decode import decode
from residency.data.frames import MemoryFrames, StreamFrames
from residency.data.index import Index
from residency.data.statistics import (
    CIFAR10_MEAN,
    CIFAR10_STD,
    channel_statistics,
    mean_image,
    measure_statistics,
)
from residency.errors import DataError

DATA = Path(
    os.environ.get("RESIDENCY_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")
)


def part_of(images) -> Part:
    rows = np.arange(len(images))
    names = tuple(map(str, rows))
    index = Index("test", names, rows * 0, ("a", "b"), None, rows, rows)
    return Part("train", index, MemoryFrames(images, rows))


def noise(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, 5, 5, 3)).astype(np.uint8) // [1, 2, 3]


def test_over_all_pixels_not_images():
    images = np.zeros((2, 4, 4, 3), np.uint8)
    images[1] = 100  # each image alone has no deviation
    mean, std = channel_statistics(part_of(images))
    assert mean == (50, 50, 50)
    assert std == (50, 50, 50)


def test_equal_to_numpy_over_several_chunks():
    images = noise(600).astype(np.uint8)
    mean, std = channel_statistics(part_of(images))
    assert mean == pytest.approx(images.mean(axis=(0, 1, 2)), rel=1e-12)
    assert std == pytest.approx(images.std(axis=(0, 1, 2)), rel=1e-12)
    whole = images.mean(axis=0)
    assert mean_image(part_of(images)) == pytest.approx(whole, rel=1e-12)


def test_limit_is_spread_over_the_part():
    images = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones(
        (1, 2, 2, 3), np.uint8
    )
    assert channel_statistics(part_of(images), limit=5)[0] == (4, 4, 4)
    assert channel_statistics(part_of(images), limit=99)[0] == (4.5, 4.5, 4.5)


def test_photos_count_by_their_pixels():
    photos = [np.zeros((3, 3, 3), np.uint8), np.full((1, 1, 3), 100, np.uint8)]
    assert channel_statistics(part_of(photos))[0] == (10, 10, 10)
    with pytest.raises(DataError, match="the images have different sizes"):
        mean_image(part_of(photos))


def test_nothing_to_measure():
    for function in (channel_statistics, mean_image):
        with pytest.raises(DataError, match="train: no image to measure"):
            function(part_of([]))


@pytest.mark.real_data
def test_every_30th_image_of_cifar10():
    archive = DATA / "cifar10-jpeg.tar.xz"
    if not archive.exists():
        pytest.skip(f"no {archive.name} in {DATA}: set RESIDENCY_TEST_DATA")
    images = np.stack(list(every_30th_training_image(archive)))
    assert len(images) > 1600
    mean, std = channel_statistics(part_of(images))
    assert mean == pytest.approx(images.mean(axis=(0, 1, 2), dtype=float))
    assert std == pytest.approx(images.std(axis=(0, 1, 2), dtype=float))
    # all 50,000 of these JPEGs: 125.27 122.93 113.86 and 62.53 61.91 66.46
    assert mean == pytest.approx(CIFAR10_MEAN, abs=2)
    assert std == pytest.approx(CIFAR10_STD, abs=1.5)


def every_30th_training_image(archive: Path) -> Iterator[np.ndarray]:
    seen = 0
    with tarfile.open(archive, "r|xz") as members:
        for member in members:
            if "train/" in member.name and member.name.endswith(".jpg"):
                file = members.extractfile(member)
                if seen % 30 == 0 and file is not None:
                    yield decode(file.read())
                seen += 1


class Recorder:
    """Reads images and remembers which."""

    def __init__(self, images: np.ndarray) -> None:
        self.images, self.asked = images, []

    def read(self, i: int) -> np.ndarray:
        self.asked.append(i)
        return self.images[i]

    def content(self, i: int) -> bytes:
        return self.images[i].tobytes()


def test_of_streamed_photos_only_some_are_decoded(monkeypatch):
    images, rows = noise(50).astype(np.uint8), np.arange(50)
    reader = Recorder(images)
    index = Index("t", tuple(map(str, rows)), rows, ("a",), reader, rows, rows)
    monkeypatch.setattr(statistics, "STREAMED_LIMIT", 10)
    streamed = Part("train", index, StreamFrames(index, 5, "crop"))
    measured = measure_statistics(streamed, with_mean_image=False)
    assert sorted(reader.asked) == list(range(0, 50, 5))
    assert measured.mean == channel_statistics(part_of(images), limit=10)[0]
    whole = measure_statistics(part_of(images), with_mean_image=False)
    assert whole.mean == channel_statistics(part_of(images))[0]
