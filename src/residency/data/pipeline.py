"""Batches of one part: order, augmentation, decoding.

A batch is a pure function of (seed, epoch, step). Nothing is carried from one batch to
the next, so an epoch can start anywhere, and any number of workers gives the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any

import numpy as np

from residency.config import require, require_positive
from residency.data.dataset import Part
from residency.data.draws import permutation, uniforms
from residency.data.frames import MemoryFrames
from residency.data.resize import resize as resized
from residency.data.transforms import RandomResizedCrop, Transform
from residency.errors import BrokenImageError, DataError
from residency.records import Quarantined


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Images and labels of one step."""

    images: np.ndarray
    """uint8 RGB, `(batch, size, size, 3)`; no image at all if every one was broken."""
    labels: np.ndarray
    """Class numbers, int64, `(batch,)`."""
    rows: np.ndarray
    """Positions of the images in their part, int64, `(batch,)`."""
    broken: tuple[Quarantined, ...] = ()
    """Images that belonged here but could not be decoded."""

    def __len__(self) -> int:
        return len(self.rows)


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
        return _batches(make, range(start, self.steps_per_epoch), self.workers)

    def _batch(self, order: np.ndarray, epoch: int, step: int) -> Batch:
        rows = order[step * self.batch_size : (step + 1) * self.batch_size]
        images, rows, broken = gather(self.part, rows)
        if not self.transforms or not isinstance(self.transforms[0], RandomResizedCrop):
            images = _stacked(self.part, images, self.image_size, None)
        for stream, transform in enumerate(self.transforms):
            draws = uniforms(self.seed, epoch, rows, stream, transform.draws)
            images = transform.apply(images, draws, self.image_size)
        return Batch(images, self.part.labels[rows], rows, broken)


def in_order(
    part: Part,
    image_size: int,
    batch_size: int,
    workers: int = 0,
    resize: str | None = None,
) -> Iterator[Batch]:
    """Yields all images of a part once, in its order, without augmentation.

    Args:
        part: Any part of a data set.
        image_size: Side of the square images, in pixels.
        batch_size: Images a batch; the last one may have fewer.
        workers: Processes that make batches; 0 makes them in this one.
        resize: `"stretch"`, `"pad"` or `"crop"`: the data set's own mode, for photos
            that were kept in their full shape. `None`: they have the size already.

    Raises:
        DataError: The images have not the size wanted, and `resize` is `None`.
        EngineError: A worker process died.
    """
    make = partial(_plain_batch, part, image_size, batch_size, resize)
    return _batches(make, range(-(-len(part) // batch_size)), workers)


def gather(
    part: Part, rows: np.ndarray
) -> tuple[Any, np.ndarray, tuple[Quarantined, ...]]:
    """Reads some images of a part; broken ones are left out.

    Args:
        part: Any part of a data set.
        rows: Positions in the part, int64, `(batch,)`.

    Returns:
        `(images, rows, broken)`: new uint8 `(batch, size, size, 3)`, or a list of
        arrays; the positions that were read; what could not be.
    """
    frames = part.frames
    if isinstance(frames, MemoryFrames) and isinstance(frames.images, np.ndarray):
        return np.ascontiguousarray(frames.images[frames.rows[rows]]), rows, ()
    images: list[np.ndarray] = []
    kept: list[int] = []
    broken: list[Quarantined] = []
    for row in rows.tolist():
        try:
            images.append(frames[row])
            kept.append(row)
        except BrokenImageError as error:
            broken.append(Quarantined(part.index.names[row], str(error)))
    return images, np.array(kept, dtype=np.int64), tuple(broken)


def _plain_batch(
    part: Part, image_size: int, batch_size: int, resize: str | None, step: int
) -> Batch:
    stop = min(len(part), (step + 1) * batch_size)
    rows = np.arange(step * batch_size, stop, dtype=np.int64)
    images, rows, broken = gather(part, rows)
    stacked = _stacked(part, images, image_size, resize)
    return Batch(stacked, part.labels[rows], rows, broken)


def _stacked(part: Part, images: Any, size: int, resize: str | None) -> np.ndarray:
    """Returns the images as one array of squares."""
    if isinstance(images, np.ndarray) and images.shape[1:] == (size, size, 3):
        return images
    if resize is not None:
        images = [resized(image, size, resize) for image in images]
    for image in images:
        if image.shape != (size, size, 3):
            height, width = image.shape[:2]
            raise DataError(
                f"{part.name}: expected images of {size}x{size} pixels, got {height}x"
                f"{width}. Photos in their full shape need a resize mode, or "
                "RandomResizedCrop as the first transform."
            )
    stacked = np.empty((len(images), size, size, 3), np.uint8)
    for place, image in zip(stacked, images, strict=True):
        place[:] = image
    return stacked


def _batches(
    make: Callable[[int], Batch], steps: range, workers: int
) -> Iterator[Batch]:
    if workers == 0:
        return map(make, steps)
    from residency.data.torch.loader import ordered

    return ordered(make, steps, workers)
