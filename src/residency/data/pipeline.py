"""Batches of one part: order, augmentation, decoding.

A batch is a pure function of (seed, epoch, step). Nothing is carried from one batch to
the next, so an epoch can start anywhere, and any number of workers gives the same.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any

import numpy as np

from residency.config import require, require_positive
from residency.data.batch import Batch
from residency.data.dataset import Frames, Part
from residency.data.draws import permutation, uniforms
from residency.data.frames import MemoryFrames
from residency.data.transforms import RandomResizedCrop, Transform
from residency.errors import BrokenImageError, DataError
from residency.records import Quarantined


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """Shuffled, augmented batches of one part, epoch after epoch.

    Example:

    >>> from residency.data.index import Index
    >>> five = np.arange(5)
    >>> index = Index("x", tuple("abcde"), five % 2, ("c", "d"), None, five, five)
    >>> frames = MemoryFrames(np.zeros((5, 8, 8, 3), np.uint8), rows=five)
    >>> pipeline = Pipeline(Part("train", index, frames), image_size=8, batch_size=2)
    >>> [len(batch) for batch in pipeline.epoch(0)]
    [2, 2, 1]
    """

    part: Part
    _: KW_ONLY
    image_size: int
    """Side of the square images, in pixels."""
    batch_size: int
    """Images a step; the last step of an epoch may have fewer."""
    transforms: tuple[Transform, ...] = ()
    """Applied in this order; `RandomResizedCrop` can only be the first."""
    seed: int = 0
    workers: int = 0
    """Processes that make batches; 0 makes them in this one."""
    share: tuple[int, int] = (0, 1)
    """`(k, n)`: of each batch the k-th of n nearly equal parts, k from 0. What the n
    give together is the batch of one."""

    def __post_init__(self) -> None:
        require_positive(self, "image_size", "batch_size")
        require(self, "workers", self.workers >= 0, "a whole number of at least 0")
        late = any(isinstance(t, RandomResizedCrop) for t in self.transforms[1:])
        require(self, "transforms", not late, "RandomResizedCrop only in first place")

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        return -(-len(self.part) // self.batch_size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yields the batches of one epoch.

        Args:
            epoch: Epochs finished, from 0.
            start: Batches to leave out, to go on in the middle; they cost nothing.

        Raises:
            DataError: The images have not the size wanted.
            EngineError: A worker process died.
        """
        order = permutation(self.seed, epoch, len(self.part))
        make = partial(self._batch, order, epoch)
        steps = range(start, self.steps_per_epoch)
        if self.workers == 0:
            return map(make, steps)
        from residency.data.torch.loader import ordered

        return ordered(make, steps, self.workers)

    def _batch(self, order: np.ndarray, epoch: int, step: int) -> Batch:
        rows = order[step * self.batch_size : (step + 1) * self.batch_size]
        place, parts = self.share
        rows = rows[len(rows) * place // parts : len(rows) * (place + 1) // parts]
        crops = isinstance(next(iter(self.transforms), None), RandomResizedCrop)
        frames = self.part.photos if crops and self.part.photos else self.part.frames
        images, rows, broken = gather(self.part, frames, rows)
        if not len(rows) and parts > 1:
            black = np.zeros((1, self.image_size, self.image_size, 3), np.uint8)
            return Batch(black, np.zeros(1, np.int64), rows, broken)
        if not crops:
            images = _stacked(self.part, images, self.image_size)
        for stream, transform in enumerate(self.transforms):
            draws = uniforms(self.seed, epoch, rows, stream, transform.draws)
            images = transform.apply(images, draws, self.image_size)
        return Batch(images, self.part.labels[rows], rows, broken)


def in_order(part: Part, image_size: int, batch_size: int) -> Iterator[Batch]:
    """Yields all images of a part once, in its order, without augmentation.

    Args:
        part: Any part of a data set.
        image_size: Side of the square images, in pixels.
        batch_size: Images a batch; the last one may have fewer. Those of a stream are
            decoded by a thread a core.

    Raises:
        DataError: The images have not the size wanted.
    """
    for start in range(0, len(part), batch_size):
        rows = np.arange(start, min(len(part), start + batch_size), dtype=np.int64)
        images, rows, broken = gather(part, part.frames, rows, threads=os.cpu_count())
        stacked = _stacked(part, images, image_size)
        yield Batch(stacked, part.labels[rows], rows, broken)


def gather(
    part: Part, frames: Frames, rows: np.ndarray, threads: int | None = 1
) -> tuple[Any, np.ndarray, tuple[Quarantined, ...]]:
    """Reads some images of a part; broken ones are left out.

    Args:
        part: Any part of a data set.
        frames: Its squares or its photos.
        rows: Positions in the part, int64, `(batch,)`.
        threads: That decode; 1 in a worker process, which has a core to itself.

    Returns:
        `(images, rows, broken)`: new uint8 `(batch, size, size, 3)`, or a list of
        arrays; the positions that were read; what could not be.
    """
    if isinstance(frames, MemoryFrames) and isinstance(frames.images, np.ndarray):
        return np.ascontiguousarray(frames.images[frames.rows[rows]]), rows, ()
    images: list[np.ndarray] = []
    kept: list[int] = []
    broken: list[Quarantined] = []
    for row, image in zip(rows.tolist(), _read(frames, rows, threads), strict=True):
        if isinstance(image, BrokenImageError):
            broken.append(Quarantined(part.index.names[row], str(image)))
        else:
            images.append(image)
            kept.append(row)
    return images, np.array(kept, dtype=np.int64), tuple(broken)


def _read(
    frames: Frames, rows: np.ndarray, threads: int | None
) -> list[np.ndarray | BrokenImageError]:
    def read(row: int) -> np.ndarray | BrokenImageError:
        try:
            return frames[row]
        except BrokenImageError as error:
            return error

    if threads == 1:
        return list(map(read, rows.tolist()))
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(read, rows.tolist()))


def _stacked(part: Part, images: Any, size: int) -> np.ndarray:
    """Returns the images as one array of squares."""
    if isinstance(images, np.ndarray) and images.shape[1:] == (size, size, 3):
        return images
    for image in images:
        if image.shape != (size, size, 3):
            height, width = image.shape[:2]
            raise DataError(
                f"{part.name}: expected images of {size}x{size} pixels, got {height}x"
                f"{width}. Load the data with image_size={size}."
            )
    stacked = np.empty((len(images), size, size, 3), np.uint8)
    for place, image in zip(stacked, images, strict=True):
        place[:] = image
    return stacked
