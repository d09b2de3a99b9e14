"""Order, augmentation and resuming: a pure function of seed, epoch and step."""

import os
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from residency.data.dataset import Part
from residency.data.frames import MemoryFrames
from residency.data.index import Index
from residency.data.pipeline import Batch, Pipeline, in_order
from residency.data.transforms import PadCrop, RandomFlip, RandomResizedCrop
from residency.errors import BrokenImageError, ConfigError, DataError

AUGMENTED = (PadCrop(padding=2), RandomFlip())


class BrokenAt:
    """Frames of which some cannot be decoded."""

    def __init__(self, images: np.ndarray, broken: set[int]) -> None:
        self.images, self.broken = images, broken

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> np.ndarray:
        if i in self.broken:
            raise BrokenImageError("truncated")
        return self.images[i]


def part_of(images, frames=None) -> Part:
    count = len(images)
    numbers = np.arange(count)
    names = tuple(f"{i}.png" for i in numbers)
    classes = ("a", "b", "c")
    index = Index("test", names, numbers % 3, classes, None, numbers, numbers)
    return Part("train", index, frames or MemoryFrames(images, numbers))


def noise(count: int, side: int = 8) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, side, side, 3), np.uint8)


def pipeline(count: int = 23, **settings) -> Pipeline:
    fields = {"image_size": 8, "batch_size": 5, "transforms": AUGMENTED, **settings}
    return Pipeline(part_of(noise(count)), **fields)


def joined(batches) -> dict[int, bytes]:
    """Returns the pixels of each image, by its row."""
    return {
        row: image.tobytes()
        for batch in batches
        for row, image in zip(batch.rows.tolist(), batch.images, strict=True)
    }


def same(a: Batch, b: Batch) -> bool:
    pairs = [(a.images, b.images), (a.labels, b.labels), (a.rows, b.rows)]
    return all(np.array_equal(x, y) for x, y in pairs) and a.broken == b.broken


def test_every_image_once_an_epoch():
    train = pipeline()
    batches = list(train.epoch(0))
    assert [len(b) for b in batches] == [5, 5, 5, 5, 3]
    assert train.steps_per_epoch == 5
    rows = np.concatenate([b.rows for b in batches])
    assert sorted(rows.tolist()) == list(range(23))
    for batch in batches:
        assert (batch.labels == batch.rows % 3).all()
        assert (batch.images.dtype, batch.labels.dtype) == (np.uint8, np.int64)


def test_epochs_and_seeds_differ():
    orders = [
        np.concatenate([b.rows for b in pipeline(seed=seed).epoch(epoch)]).tolist()
        for seed, epoch in [(0, 0), (0, 1), (1, 0)]
    ]
    assert len({tuple(order) for order in orders}) == 3
    first, second = joined(pipeline().epoch(0)), joined(pipeline().epoch(1))
    assert sum(first[row] != second[row] for row in range(23)) > 15


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 30), st.integers(0, 3))
def test_start_leaves_out_batches(start, epoch):
    train = pipeline()
    whole, rest = list(train.epoch(epoch)), list(train.epoch(epoch, start))
    assert len(rest) == max(0, 5 - start)
    assert all(map(same, whole[start:], rest))


def test_start_decodes_nothing_of_what_it_leaves_out():
    images = noise(23)
    order = np.concatenate([b.rows for b in pipeline(transforms=()).epoch(0)])
    early = set(order[:15].tolist())
    train = Pipeline(
        part_of(images, BrokenAt(images, early)), image_size=8, batch_size=5
    )
    assert not any(batch.broken for batch in train.epoch(0, start=3))


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 30))
def test_augmentation_does_not_depend_on_the_batch(batch_size):
    assert joined(pipeline(batch_size=batch_size).epoch(2)) == joined(
        pipeline(batch_size=5).epoch(2)
    )


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_shares_are_the_batch_cut_in_pieces(parts):
    whole = list(pipeline().epoch(1))
    cut = [list(pipeline(share=(k, parts)).epoch(1)) for k in range(parts)]
    for batch, pieces in zip(whole, zip(*cut, strict=True), strict=True):
        sizes = [len(piece) for piece in pieces]
        assert max(sizes) - min(sizes) <= 1
        rows = np.concatenate([piece.rows for piece in pieces])
        assert np.array_equal(rows, batch.rows)
        images = np.concatenate([piece.images for piece in pieces if len(piece)])
        assert np.array_equal(images, batch.images)
        for piece in pieces:
            if not len(piece):  # seven take part in five images
                assert (piece.images.shape, piece.images.max()) == ((1, 8, 8, 3), 0)


def test_no_transform_no_change():
    images = noise(23)
    for row, pixels in joined(pipeline(transforms=()).epoch(0)).items():
        assert pixels == images[row].tobytes()


def test_batches_are_copies():
    train = pipeline(transforms=())
    for batch in train.epoch(0):
        batch.images[:] = 0
    assert train.part.frames[0].any()


def test_a_broken_image_is_dropped_and_reported():
    images = noise(23)
    healthy = list(pipeline().epoch(0))
    missing = int(healthy[1].rows[2])
    broken = replace(
        pipeline(), part=part_of(images, BrokenAt(images, {missing}))
    ).epoch(0)
    second = list(broken)[1]
    assert len(second) == 4
    assert [(q.name, q.reason) for q in second.broken] == [
        (f"{missing}.png", "truncated")
    ]
    kept = np.arange(5) != 2
    assert (second.images == healthy[1].images[kept]).all()


def test_a_batch_of_broken_images_is_empty_but_there():
    images = noise(4)
    part = part_of(images, BrokenAt(images, {0, 1, 2, 3}))
    batches = list(Pipeline(part, image_size=8, batch_size=2).epoch(0))
    assert [(b.images.shape, len(b.broken)) for b in batches] == [((0, 8, 8, 3), 2)] * 2
    crops = Pipeline(
        part, image_size=8, batch_size=2, transforms=(RandomResizedCrop(), *AUGMENTED)
    )
    assert [b.images.shape for b in crops.epoch(0)] == [(0, 8, 8, 3)] * 2


def test_photos_of_many_sizes():
    sizes = [(9, 30), (40, 12), (16, 16), (8, 8)]
    photos = [np.full((h, w, 3), 50, np.uint8) for h, w in sizes]
    part = part_of(photos)
    train = Pipeline(
        part, image_size=8, batch_size=3, transforms=(RandomResizedCrop(), RandomFlip())
    )
    assert [b.images.shape for b in train.epoch(0)] == [(3, 8, 8, 3), (1, 8, 8, 3)]
    with pytest.raises(DataError, match=r"train: expected images of 8x8 pixels, got 9"):
        next(in_order(part, 8, 3))
    with pytest.raises(DataError, match="Load the data with image_size=8"):
        list(Pipeline(part, image_size=8, batch_size=4).epoch(0))


def test_the_crop_is_cut_from_the_photos_and_nothing_else_is():
    photos = [np.full((9, 30, 3), 200, np.uint8)] * 4
    part = replace(part_of(noise(4)), photos=MemoryFrames(photos, np.arange(4)))
    crops = Pipeline(
        part, image_size=8, batch_size=4, transforms=(RandomResizedCrop(),)
    )
    assert (next(crops.epoch(0)).images == 200).all()
    assert (next(in_order(part.select(np.arange(4)), 8, 4)).images == noise(4)).all()
    plain = Pipeline(part, image_size=8, batch_size=4)
    assert sorted(joined(plain.epoch(0)).values()) == sorted(
        image.tobytes() for image in noise(4)
    )


def test_in_order_is_plain():
    images = noise(7)
    batches = list(in_order(part_of(images), 8, 3))
    assert [len(b) for b in batches] == [3, 3, 1]
    assert (np.concatenate([b.images for b in batches]) == images).all()


def test_in_order_reads_a_stream_with_threads_and_keeps_the_order():
    images, threads = noise(20), set()

    class Slow(BrokenAt):
        def __getitem__(self, i: int) -> np.ndarray:
            threads.add(threading.get_ident())
            time.sleep(0.002 * (20 - i))
            return super().__getitem__(i)

    (batch,) = in_order(part_of(images, Slow(images, {3})), 8, 20)
    assert batch.rows.tolist() == [i for i in range(20) if i != 3]
    assert (batch.images == np.delete(images, 3, axis=0)).all()
    assert [q.name for q in batch.broken] == ["3.png"]
    assert len(threads) > 1 or os.cpu_count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 0},
        {"image_size": -1},
        {"workers": -1},
        {"transforms": (RandomFlip(), RandomResizedCrop())},
    ],
)
def test_fields_are_checked(wrong):
    with pytest.raises(ConfigError, match=f"Pipeline.{next(iter(wrong))}: expected"):
        pipeline(**wrong)
