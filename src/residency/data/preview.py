"""A few training images before and after augmentation, as the model sees them."""

from typing import NamedTuple

import numpy as np

from residency.data.dataset import Dataset
from residency.data.index import shortened
from residency.data.pipeline import Pipeline, in_order
from residency.data.transforms import Transform
from residency.errors import DataError


class Preview(NamedTuple):
    """Pairs of pictures."""

    before: np.ndarray
    """uint8, `(count, size, size, 3)`, as evaluation sees them."""
    after: np.ndarray
    """The same images as the first epoch of training sees them."""
    class_names: tuple[str, ...]
    """Class of each."""
    names: tuple[str, ...]
    """Name of each."""


def preview(
    data: Dataset, transforms: tuple[Transform, ...], count: int = 16, seed: int = 0
) -> Preview:
    """Returns the first images of the first epoch, plain and augmented.

    Args:
        data: Loaded with the same transforms, so that photos keep their full shape
            where these need it.
        transforms: Augmentations, in their order.
        count: Images wanted; fewer if there are not as many, or if some are broken.
        seed: As in training.

    Raises:
        DataError: All of them are broken.
    """
    part, size = data.train, data.image_size
    count = min(count, len(part))
    pipeline = Pipeline(
        part, image_size=size, batch_size=count, transforms=transforms, seed=seed
    )
    batch = next(pipeline.epoch(0))
    if not len(batch):
        first = [f"{q.name}: {q.reason}" for q in batch.broken]
        raise DataError(
            f"{data.source}: none of the first {count} images to train on can be read "
            f"({shortened(first, 3)}). Replace them, or ask for more images."
        )
    shown = part.select(batch.rows)
    plain = next(in_order(shown, size, count))
    return Preview(
        before=plain.images,
        after=batch.images,
        class_names=tuple(data.class_names[label] for label in batch.labels),
        names=shown.index.names,
    )
