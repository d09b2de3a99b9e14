"""Mean and spread of a part's pixels, exact: counted, not averaged over batches."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from residency.data.dataset import Part
from residency.data.frames import StreamFrames
from residency.data.pipeline import gather
from residency.errors import DataError

# 0..255, over all pixels of the 50,000 original training images; 255 times the usual
# (0.4914, 0.4822, 0.4465) and (0.2470, 0.2435, 0.2616). The often copied deviations
# (0.2023, 0.1994, 0.2010) are the mean of per-image deviations, another thing.
CIFAR10_MEAN = (125.31, 122.95, 113.87)
CIFAR10_STD = (62.99, 62.09, 66.70)

MEMORY_LIMIT = 20_000  # images whose channels are measured
# Streamed photos are decoded for it. Where their own means spread by 40 grey levels,
# that of 2,000 lies within 40 / sqrt(2000) = 0.9 of that of all.
STREAMED_LIMIT = 2_000

_CHUNK = 256  # images counted at once: 3 MB at 32 pixels, 39 MB at 224


def channel_statistics(
    part: Part, limit: int | None = None
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Returns mean and standard deviation of each channel over all pixels.

    The deviation is that of the pixels around the channel's one mean, not the mean of
    the images' own deviations, which is smaller. Broken images are left out.

    Args:
        part: Any part of a data set.
        limit: Uses this many images, spread evenly over the part. `None`: all.

    Returns:
        `(mean, std)`, red, green, blue each, in 0..255.

    Raises:
        DataError: No image could be read.
    """
    counts = np.zeros((3, 256), np.int64)
    for images in _chunks(part, limit):
        for image in images if isinstance(images, list) else [images]:
            for channel in range(3):
                values = image[..., channel].ravel()
                counts[channel] += np.bincount(values, minlength=256)
    pixels = counts[0].sum()
    if pixels == 0:
        raise DataError(f"{part.name}: no image to measure.")
    levels = np.arange(256)
    mean = counts @ levels / pixels
    variance = (counts * (levels - mean[:, None]) ** 2).sum(axis=1) / pixels
    return _triple(mean), _triple(np.sqrt(variance))


def mean_image(part: Part) -> np.ndarray:
    """Returns the mean of each pixel over the part, as the papers subtract it.

    Args:
        part: Images of one size.

    Returns:
        float64 in 0..255, `(size, size, 3)`.

    Raises:
        DataError: The images have different sizes, or none could be read.
    """
    total, count = np.zeros((), np.uint64), 0
    for images in _chunks(part, None):
        if len({image.shape for image in images}) > 1:
            raise DataError(f"{part.name}: the images have different sizes.")
        total = total + np.sum(images, axis=0, dtype=np.uint64)
        count += len(images)
    if count == 0:
        raise DataError(f"{part.name}: no image to measure.")
    return total / count


def _chunks(part: Part, limit: int | None) -> Iterator[np.ndarray | list[np.ndarray]]:
    """Yields the readable images, a few at a time."""
    count = len(part) if limit is None else min(limit, len(part))
    chosen = np.arange(count, dtype=np.int64) * len(part) // max(1, count)
    for start in range(0, count, _CHUNK):
        rows = chosen[start : start + _CHUNK]
        images, _, _ = gather(part, part.frames, rows, threads=os.cpu_count())
        if len(images):
            yield images


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = values.tolist()
    return red, green, blue


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """What a model's preprocessing needs to know of the training images."""

    mean: tuple[float, float, float]
    """Per channel, RGB, in 0..255."""
    std: tuple[float, float, float]
    """Per channel, over all pixels."""
    mean_image: np.ndarray | None = None
    """Per pixel, float64 `(size, size, 3)`; `None` where it was not asked for."""


def measure_statistics(part: Part, *, with_mean_image: bool) -> Statistics:
    """Returns the statistics of a part, of some of its images without a mean image."""
    if with_mean_image:
        return Statistics(*channel_statistics(part), mean_image(part))
    streamed = isinstance(part.frames, StreamFrames)
    limit = STREAMED_LIMIT if streamed else MEMORY_LIMIT
    return Statistics(*channel_statistics(part, limit))
