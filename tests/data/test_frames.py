"""In memory or streamed: the same pixels, the same images set aside."""

import io

import numpy as np
import pytest
from PIL import Image

from residency.data import frames
from residency.data.frames import frame_images
from residency.data.index import Index
from residency.data.resize import resize
from residency.data.sources.readers import ArrayReader, FileReader
from residency.errors import ConfigError


def index_of(reader, count: int) -> Index:
    numbers = np.arange(count)
    names = tuple(f"image {i}" for i in numbers)
    return Index("test", names, numbers % 2, ("a", "b"), reader, numbers, numbers)


@pytest.fixture
def photos(tmp_path) -> Index:
    """Eight good photos and four broken ones."""
    broken = {1: b"", 3: b"no image", 7: None, 9: png(noise(8, 8))[:150]}
    paths = []
    for i, (height, width) in enumerate([(40, 50), (90, 30), (16, 16), (70, 70)] * 3):
        path = tmp_path / f"{i}.png"
        data = broken.get(i, png(noise(height, width)))
        if data is not None:
            path.write_bytes(data)
        paths.append(path)
    return index_of(FileReader(tuple(paths)), len(paths))


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("mode", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("keep_full", [False, True])
def test_stream_equals_memory(photos, mode, keep_full):
    """Squares are those of the original pixels, whether the photos are kept or not."""
    memory, stream = (
        frame_images(photos, image_size=16, resize=mode, keep_full=keep_full, cache=c)
        for c in ("memory", "stream")
    )
    kept = memory.healthy[::-1]  # any order
    first, second = memory.squares_for(kept), stream.squares_for(kept)
    assert len(first) == len(second) == len(kept)
    for i, position in enumerate(kept):
        assert (first[i] == resize(photos.read(position), 16, mode)).all()
        assert (first[i] == second[i]).all()
        assert first[i].dtype == np.uint8
    if keep_full:
        first, second = memory.photos_for(kept), stream.photos_for(kept)
        assert all((first[i] == second[i]).all() for i in range(len(kept)))
    rows = np.array([2, 0])
    assert (first.select(rows)[0] == second.select(rows)[0]).all()
    assert (first.select(rows)[1] == first[0]).all()


def test_full_photos_are_shrunk_to_twice_the_size(photos):
    framed = frame_images(photos, image_size=16, resize="crop", keep_full=True)
    shapes = [framed.photos_for(framed.healthy)[i].shape[:2] for i in range(3)]
    assert shapes == [(32, 40), (16, 16), (32, 40)]


def test_broken_images_are_set_aside_with_their_reason(photos):
    memory = frame_images(photos, image_size=16, resize="crop", cache="memory")
    assert memory.healthy.tolist() == [0, 2, 4, 5, 6, 8, 10, 11]
    assert [(q.name, q.reason) for q in memory.quarantined] == [
        ("image 1", "empty file"),
        ("image 3", "not an image"),
        ("image 7", "missing file"),
        ("image 9", "truncated"),
    ]


def test_a_stream_finds_what_headers_tell(photos):
    stream = frame_images(photos, image_size=16, resize="crop", cache="stream")
    found = {q.name for q in stream.quarantined}
    assert found == {"image 1", "image 3", "image 7"}


def test_auto_goes_by_the_free_memory(photos, monkeypatch):
    settings = {"image_size": 16, "resize": "crop"}
    monkeypatch.setattr(frames, "available_memory", lambda: 12 * 16 * 16 * 3 * 4 + 1)
    line = frame_images(photos, **settings).memory
    assert line == "8 images at 16x16: 0.0 MB, kept in memory"
    monkeypatch.setattr(frames, "available_memory", lambda: 12 * 16 * 16 * 3 * 4)
    line = frame_images(photos, **settings).memory
    assert line == "9 images at 16x16: 0.0 MB, decoded in every epoch"
    line = frame_images(photos, **settings, keep_full=True).memory
    assert line.endswith("shorter sides up to 32: 0.0 MB, decoded in every epoch")


def test_auto_estimates_full_photos_by_their_headers(photos, monkeypatch):
    needed = 12 * 16 * 16 * 3  # the squares
    for i in (0, 2, 4, 5, 6, 8, 10, 11):
        with Image.open(photos.reader.paths[i]) as image:
            scale = min(1, 32 / min(image.size))
            width, height = image.size
            needed += 3 * round(width * scale) * round(height * scale)
    needed += 3 * 8 * 8  # the one cut off in the middle has a good header
    settings = {"image_size": 16, "resize": "crop", "keep_full": True}
    monkeypatch.setattr(frames, "available_memory", lambda: 4 * needed + 1)
    assert "kept in memory" in frame_images(photos, **settings).memory
    monkeypatch.setattr(frames, "available_memory", lambda: 4 * needed)
    assert "every epoch" in frame_images(photos, **settings).memory


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_progress_counts_every_image(photos, workers):
    seen = []
    frame_images(
        photos,
        image_size=16,
        resize="crop",
        workers=workers,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(i, 12) for i in range(1, 13)]


def test_the_memory_needed_is_announced_before_anything_is_decoded(photos):
    told = []
    frame_images(
        photos,
        image_size=16,
        resize="crop",
        progress=lambda done, total: told.append(done),
        announce=told.append,
    )
    assert told[0] == "reading test: 12 images at 16x16: 0.0 MB, kept in memory"
    assert told[1:] == list(range(1, 13))


@pytest.mark.parametrize("keep_full", [False, True])
def test_an_array_of_the_right_size_is_not_copied(keep_full):
    images = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), np.uint8)
    index = index_of(ArrayReader(images), 9).select([4, 2, 0])
    framed = frame_images(
        index, image_size=8, resize="crop", cache="stream", keep_full=keep_full
    )
    assert framed.photos_for is None
    part = framed.squares_for(np.array([0, 2]))
    assert np.shares_memory(part[0], images)
    assert (part[0] == images[4]).all()
    assert (part[1] == images[0]).all()
    assert framed.memory == "3 images at 8x8: 0.0 MB, kept in memory"


def test_a_grey_array_becomes_rgb_when_it_is_read():
    images = np.random.default_rng(0).integers(0, 256, (4, 500, 500), np.uint8)
    index = index_of(ArrayReader(images), 4)
    framed = frame_images(index, image_size=500, resize="crop")
    assert framed.memory == "4 images at 500x500: 1.0 MB, kept in memory"
    image = framed.squares_for(framed.healthy)[3]
    assert np.shares_memory(image, images)
    assert (image == images[3][..., None]).all()


@pytest.mark.parametrize("cache", ["memory", "stream"])
def test_an_array_of_another_size_is_resized(cache):
    index = index_of(ArrayReader(np.full((4, 8, 8), 7, np.uint8)), 4)
    framed = frame_images(index, image_size=16, resize="pad", cache=cache)
    assert framed.quarantined == ()
    assert (framed.squares_for(framed.healthy)[0] == np.full((16, 16, 3), 7)).all()


def test_no_room_in_memory_is_told(photos):
    settings = {"resize": "crop", "cache": "memory"}
    for size in (10**7, 10**9):
        with pytest.raises(ConfigError, match=r"no room for 12 .* Take cache='stream'"):
            frame_images(photos, image_size=size, **settings)


def test_an_unknown_cache_is_named(photos):
    with pytest.raises(ConfigError, match="cache: expected one of auto, memory, stre"):
        frame_images(photos, image_size=16, resize="crop", cache="disk")
