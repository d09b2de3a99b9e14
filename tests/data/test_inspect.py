"""Counts, sizes, broken images and duplicates of a small folder made by hand."""

import io
import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from residency.data.index import Index
from residency.data.inspect import Duplicates, Range, count_classes, inspect_index
from residency.data.sources.readers import ArrayReader, FileReader

CAT = np.random.default_rng(0).integers(0, 256, (10, 20, 3), np.uint8)
DOG = np.random.default_rng(1).integers(0, 256, (30, 12, 3), np.uint8)


def encoded(pixels: np.ndarray, file_format: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, file_format)
    return file.getvalue()


@pytest.fixture
def index(tmp_path) -> Index:
    files = [
        ("train/cat/1.png", encoded(CAT)),
        ("train/cat/2.png", encoded(CAT)),
        ("train/cat/3.jpg", encoded(CAT, "JPEG")),
        ("train/dog/4.png", encoded(DOG)),
        ("test/cat/5.bmp", encoded(DOG, "BMP")),
        ("test/dog/6.png", encoded(DOG)[:300]),
    ]
    paths = []
    for name, content in files:
        paths.append(tmp_path / name)
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        paths[-1].write_bytes(content)
    names = tuple(name for name, _ in files)
    return Index(
        source="animals",
        names=names,
        labels=np.array([int("dog" in name) for name in names]),
        class_names=("cat", "dog"),
        reader=FileReader(tuple(paths)),
        rows=np.arange(6),
        sizes=np.array([len(content) for _, content in files]),
        parts=tuple(name.split("/")[0] for name in names),
    )


def test_everything_that_pixels_tell(index):
    found = inspect_index(index)
    assert [c.counts for c in found.classes] == [
        {"train": 3, "test": 1},
        {"train": 1, "test": 1},
    ]
    assert found.imbalance_ratio == 2
    assert found.widths == Range(12, 20, 20)
    assert found.heights == Range(10, 10, 30)
    assert found.formats == {"PNG": 3, "JPEG": 1, "BMP": 1}
    assert found.modes == {"RGB": 5}
    assert [(q.name, q.reason) for q in found.quarantined] == [
        ("test/dog/6.png", "truncated")
    ]
    leak, twins = found.duplicates
    assert leak == Duplicates(
        names=("train/dog/4.png", "test/cat/5.bmp"),
        parts=("train", "test"),
        classes=("dog", "cat"),
    )
    assert (leak.across_parts, leak.contradicting) == (True, True)
    assert twins.names == ("train/cat/1.png", "train/cat/2.png")
    assert (twins.across_parts, twins.contradicting) == (False, False)


def test_headers_alone_tell_less(index):
    found = inspect_index(index, decode=False)
    assert not found.decoded
    assert found.quarantined == ()
    assert [group.names for group in found.duplicates] == [
        ("train/cat/1.png", "train/cat/2.png")
    ]
    assert found.widths == Range(12, 16, 20)


@pytest.mark.parametrize("decode", [True, False])
def test_photos_that_lie_on_their_side_are_measured_upright(tmp_path, decode):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(CAT).save(tmp_path / "1.jpg", exif=exif)  # stored as 10 x 20
    one = np.zeros(1, np.int64)
    reader = FileReader((tmp_path / "1.jpg",))
    index = Index("side", ("1.jpg",), one, ("a", "b"), reader, one, one)
    found = inspect_index(index, decode=decode)
    assert (found.heights, found.widths) == (Range(20, 20, 20), Range(10, 10, 10))


@pytest.mark.parametrize("name", ["pipe.jpg", "nul\0.jpg", "gone.jpg"])
def test_what_is_no_file_is_broken_by_its_header_alone(tmp_path, name):
    os.mkfifo(tmp_path / "pipe.jpg")  # to open it would wait for ever
    one = np.zeros(1, np.int64)
    index = Index(
        "x", (name,), one, ("a", "b"), FileReader((tmp_path / name,)), one, one
    )
    (broken,) = inspect_index(index, decode=False).quarantined
    assert broken.reason == ("not a file" if name == "pipe.jpg" else "missing file")


@pytest.mark.parametrize("decode", [True, False])
def test_arrays(decode):
    images = np.stack([CAT[:8, :8, 0]] * 2 + [DOG[:8, :8, 0]])
    rows = np.arange(3)
    index = Index(
        "arrays", ("0", "1", "2"), rows % 2, ("a", "b"), ArrayReader(images), rows, rows
    )
    found = inspect_index(index, decode=decode)
    assert found.formats == {"array": 3}
    assert found.modes == {"L": 3}
    assert found.widths == Range(8, 8, 8)
    assert [group.names for group in found.duplicates] == [("0", "1")]
    assert found.duplicates[0].parts == ("all", "all")


def test_a_class_without_images_and_no_readable_image(index):
    emptied = replace(index.select([5]), class_names=("cat", "dog"))
    found = inspect_index(emptied)
    assert found.widths is None
    assert found.imbalance_ratio == float("inf")
    assert [c.total for c in count_classes(emptied)] == [0, 1]
