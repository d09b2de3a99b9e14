"""From an index to equally framed images: in memory, or decoded when asked for.

Both ways give the same pixels, because both frame through `StreamFrames`. A broken
image is never fatal: it is left out and reported with its reason.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np

from residency.data.dataset import Frames
from residency.data.index import Index
from residency.data.memory import available_memory
from residency.data.resize import resize as resized
from residency.data.resize import shrink, shrunk_size
from residency.errors import BrokenImageError, ConfigError, did_you_mean
from residency.records import Quarantined

CACHES = ("auto", "memory", "stream")
Cache = Literal["memory", "stream"]

MEMORY_SHARE = 0.25  # of the free memory; the rest is for the model and for others

FULL_SIDES = 2  # shorter side of a kept photo, in sides of the square cut from it

Progress = Callable[[int, int], None]
Broken = dict[int, BrokenImageError]
Size = tuple[int, int] | BrokenImageError
Each = Callable[[Callable[[int], Any]], Iterator[Any]]
FramesFor = Callable[[np.ndarray], Frames]


@dataclass(frozen=True, slots=True, eq=False)
class MemoryFrames:
    """Images kept decoded."""

    images: Any
    """uint8 `(stored, size, size, 3)`, or one array a photo; shared by all parts."""
    rows: np.ndarray
    """Position of each of our images among the stored ones, int64, `(images,)`."""

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> np.ndarray:
        return self.images[self.rows[i]]

    def select(self, rows: np.ndarray) -> "MemoryFrames":
        """Returns the frames of the images numbered `rows`; nothing is copied."""
        return replace(self, rows=self.rows[rows])


@dataclass(frozen=True, slots=True, eq=False)
class StreamFrames:
    """Images decoded each time they are asked for."""

    index: Index
    image_size: int
    resize: str | None
    """`"stretch"`, `"pad"` or `"crop"`. `None`: photos keep their shape, and only a
    very large one is made smaller."""

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, i: int) -> np.ndarray:
        return self.framed(self.index.read(i))

    def framed(self, image: np.ndarray) -> np.ndarray:
        """Returns a decoded image as these frames give it."""
        if self.resize is None:
            return shrink(image, FULL_SIDES * self.image_size)
        return resized(image, self.image_size, self.resize)

    def select(self, rows: np.ndarray) -> "StreamFrames":
        """Returns the frames of the images numbered `rows`."""
        return replace(self, index=self.index.select(rows))


class Framed(NamedTuple):
    """What `frame_images` found."""

    healthy: np.ndarray
    """Positions in the index that can be used, int64, ascending."""
    squares_for: FramesFor
    """Gives the squares of some healthy positions in the index, in their order."""
    photos_for: FramesFor | None
    """The same in full shape; `None` where that is not kept, or is the square."""
    quarantined: tuple[Quarantined, ...]
    cache: Cache
    memory: str
    """One line for people: how many images, how many bytes, kept where."""


def frame_images(
    index: Index,
    *,
    image_size: int,
    resize: str,
    keep_full: bool = False,
    cache: str = "auto",
    workers: int = 0,
    progress: Progress | None = None,
    announce: Callable[[str], None] | None = None,
) -> Framed:
    """Frames all images of an index and sets the broken ones aside.

    Args:
        index: Samples of one source, all parts together.
        image_size: Side of the square a model sees, in pixels.
        resize: `"stretch"`, `"pad"` or `"crop"`.
        keep_full: Keeps the photos in their own shape beside the squares, the shorter
            side at most twice `image_size`, for `RandomResizedCrop`.
        cache: `"memory"` decodes everything now; `"stream"` reads only headers now
            and decodes in every epoch; `"auto"` takes memory if the decoded images
            need less than a quarter of what is free.
        workers: Threads that decode; 0 takes one for each core.
        progress: Called with `(done, total)` after each image.
        announce: Called with one line, the memory needed, before images are decoded.

    Returns:
        A `Framed`: positions that can be used, their frames, what was set aside.

    Raises:
        ConfigError: Unknown cache, or no room for the images in memory.
    """
    if cache not in CACHES:
        raise ConfigError(
            f"cache: expected one of {', '.join(CACHES)}, got {cache!r}."
            f"{did_you_mean(cache, CACHES)}"
        )
    stored = _stored_squares(index, image_size)
    if stored is not None:
        needed = len(index) * stored.strides[0]  # grey is kept once, not three times
        line = _line(len(index), image_size, False, needed)
        return _framed(index, {}, partial(_memory_frames, stored, index.rows), line)
    each = partial(_each, len(index), workers, progress)
    squares = StreamFrames(index, image_size, resize)
    photos = replace(squares, resize=None) if keep_full else None
    sizes: list[Size] = []
    needed = len(index) * image_size**2 * 3
    in_memory = cache == "memory" or (cache == "auto" and _fits(needed))
    if keep_full or not in_memory:
        sizes = list(each(partial(_header_size, index)))
        needed += _photo_bytes(sizes, image_size) if keep_full else 0
        in_memory = cache == "memory" or (cache == "auto" and _fits(needed))
    if in_memory:
        if announce is not None:
            line = _line(len(index), image_size, keep_full, needed)
            announce(f"reading {index.source}: {line}")
        return _decode_all(squares, photos, each)
    broken = {i: s for i, s in enumerate(sizes) if isinstance(s, BrokenImageError)}
    line = _line(len(index) - len(broken), image_size, keep_full, needed, kept=False)
    photos_for = None if photos is None else partial(_stream_frames, photos)
    squares_for = partial(_stream_frames, squares)
    return _framed(index, broken, squares_for, line, photos_for, "stream")


def _stored_squares(index: Index, size: int) -> np.ndarray | None:
    """Returns the reader's own `images` as RGB, uncopied, if they have the size."""
    images = getattr(index.reader, "images", None)
    if not isinstance(images, np.ndarray) or images.shape[1:3] != (size, size):
        return None
    if images.ndim == 3:
        return np.broadcast_to(images[..., None], (*images.shape, 3))
    return images


def _decode_all(
    squares: StreamFrames, photos: StreamFrames | None, each: Each
) -> Framed:
    """Decodes every image once, and frames it in one way or in both."""
    count, size = len(squares), squares.image_size
    try:
        small = np.zeros((count, size, size, 3), np.uint8)
    except (MemoryError, ValueError) as error:  # the latter: beyond all addresses
        raise ConfigError(
            f"cache: no room for {_line(count, size, False, count * size**2 * 3)}. "
            "Take cache='stream', or a smaller image_size."
        ) from error
    full: list[Any] = [None] * count
    broken: Broken = {}

    def fill(i: int) -> int:
        try:
            image = squares.index.read(i)
        except BrokenImageError as error:
            broken[i] = error
            return 0
        small[i] = squares.framed(image)
        if photos is None:
            return small[i].nbytes
        full[i] = photos.framed(image)
        return small[i].nbytes + full[i].nbytes

    needed = sum(each(fill))
    line = _line(count - len(broken), size, photos is not None, needed)
    rows = np.arange(count, dtype=np.int64)
    return _framed(
        squares.index,
        broken,
        partial(_memory_frames, small, rows),
        line,
        None if photos is None else partial(_photos_in_memory, full),
    )


def _header_size(index: Index, i: int) -> Size:
    """Returns `(height, width)` as the header says, or what is wrong with it."""
    try:
        header = index.header(i)
    except BrokenImageError as error:
        return error
    return header.height, header.width


def _photo_bytes(sizes: Sequence[Size], image_size: int) -> int:
    """Returns the bytes of all photos that are kept in full shape."""
    side = FULL_SIDES * image_size
    healthy = [size for size in sizes if not isinstance(size, BrokenImageError)]
    return sum(3 * math.prod(shrunk_size(h, w, side)) for h, w in healthy)


def _fits(needed: float) -> bool:
    return needed < MEMORY_SHARE * available_memory()


def _each(
    total: int,
    workers: int,
    progress: Progress | None,
    function: Callable[[int], Any],
) -> Iterator[Any]:
    """Yields `function(i)` for `i` below `total`, in order, from a pool of threads."""
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for done, result in enumerate(pool.map(function, range(total)), start=1):
            if progress is not None:
                progress(done, total)
            yield result


def _framed(
    index: Index,
    broken: Broken,
    squares_for: FramesFor,
    line: str,
    photos_for: FramesFor | None = None,
    cache: Cache = "memory",
) -> Framed:
    left_out = sorted(broken)
    healthy = np.delete(np.arange(len(index), dtype=np.int64), left_out)
    quarantined = [Quarantined(index.names[i], str(broken[i])) for i in left_out]
    return Framed(healthy, squares_for, photos_for, tuple(quarantined), cache, line)


def _memory_frames(images: Any, rows: np.ndarray, positions: np.ndarray) -> Frames:
    return MemoryFrames(images, rows[np.asarray(positions, dtype=np.int64)])


def _photos_in_memory(photos: Sequence[Any], positions: np.ndarray) -> Frames:
    """Returns the photos at `positions` alone, so that the others are freed."""
    chosen = [photos[i] for i in positions]
    return MemoryFrames(chosen, np.arange(len(chosen), dtype=np.int64))


def _stream_frames(stream: StreamFrames, positions: np.ndarray) -> Frames:
    return replace(stream, index=stream.index.select(positions))


def _line(
    count: int, size: int, keep_full: bool, needed: float, kept: bool = True
) -> str:
    shape = f"at {size}x{size}"
    if keep_full:
        shape += f", and with shorter sides up to {FULL_SIDES * size}"
    unit, name = (1e9, "GB") if needed >= 1e9 else (1e6, "MB")
    amount = f"{needed / unit:.{1 if needed < 10 * unit else 0}f} {name}"
    where = "kept in memory" if kept else "decoded in every epoch"
    return f"{count:,} images {shape}: {amount}, {where}"
