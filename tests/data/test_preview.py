"""Pairs of the same images, plain and augmented."""

import numpy as np
import pytest

from residency.data import Data
from residency.data.preview import preview
from residency.data.transforms import RandomFlip, RandomResizedCrop
from residency.errors import DataError


def test_plain_and_flipped(write_photos, tmp_path):
    folder = write_photos(tmp_path, {"a": 8, "b": 8}, size=12)
    data = Data(source=str(folder), image_size=12).build()
    seen = preview(data, (RandomFlip(probability=1.0),), count=5)
    assert seen.before.shape == (5, 12, 12, 3)
    assert (seen.after == seen.before[:, :, ::-1]).all()
    for image, label, name in zip(
        seen.before, seen.class_names, seen.names, strict=True
    ):
        assert name.startswith(label)
        assert image[0, 0, 0] == "ab".index(label)


def test_only_broken_images_are_told_as_such(write_photos, tmp_path):
    folder = write_photos(tmp_path, {"a": 4, "b": 4}, size=12)
    for path in folder.rglob("*.png"):
        path.write_bytes(path.read_bytes()[:45])
    data = Data(source=str(folder), image_size=12, cache="stream").build()
    with pytest.raises(DataError, match=r"none of the first 3 images .*png: truncated"):
        preview(data, (), count=3)


def test_full_photos_and_more_than_there_are(write_photos, tmp_path):
    folder = write_photos(tmp_path, {"a": 8, "b": 8}, size=40)
    settings = Data(
        source=str(folder), image_size=16, transforms=(RandomResizedCrop(),)
    )
    data = settings.build()
    seen = preview(data, settings.transforms, count=99)
    assert len(seen.names) == len(data.train)
    assert seen.before.shape == seen.after.shape == (len(data.train), 16, 16, 3)
    assert np.unique(seen.names).size == len(data.train)
