"""From what the user typed to a `Dataset`: found, checked, framed and split."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from residency.config import (
    from_json,
    require,
    require_between,
    require_one_of,
    require_positive,
)
from residency.data.dataset import Dataset, Part
from residency.data.download import Progress
from residency.data.frames import CACHES, Framed, frame_images
from residency.data.index import PARTS, Index, shortened
from residency.data.sources.readers import common_side
from residency.data.sources.resolve import resolve
from residency.data.splits import Split, compare, make_split, read_split
from residency.data.transforms import RandomResizedCrop, Transform
from residency.errors import ConfigError, DataError, did_you_mean

logger = logging.getLogger(__name__)

PHOTO_SIZE = 224
"""Side of the square that photos are brought to, unless told otherwise."""

RESIZES = ("stretch", "pad", "crop")


@dataclass(frozen=True, kw_only=True, slots=True)
class Data:
    """Which images a model is trained on, and how they reach it."""

    source: str | None = None
    """A name, a folder or file, or `kind:PATH`; `None`: said when it is built."""
    image_size: int | None = None
    """Side of the square images, in pixels. `None`: the longer side of images that
    all have one size (CIFAR, IDX, arrays), 224 for photos."""
    resize: Literal["stretch", "pad", "crop"] = "crop"
    """How a photo becomes a square."""
    classes: tuple[str, ...] = ()
    """Classes to keep; empty keeps all."""
    first_classes: int | None = None
    """Keep so many classes, the first in their order. `None`: all."""
    validation: float = 0.15
    """Share cut for validation, in `[0, 1)`: of all images where the source has no
    parts, of the train part where it has one and lacks validation. 0 cuts none."""
    test: float = 0.15
    """Share of all images cut for the test where the source has no parts."""
    split_seed: int = 0
    """Another seed, another choice of images."""
    split_file: str | None = None
    """A recorded `split.json`. Its images stay where they were; its shares and its
    seed go before those above."""
    cache: Literal["auto", "memory", "stream"] = "auto"
    """Keep decoded images in memory, or decode them in every epoch."""
    workers: int | None = None
    """Threads that decode into memory, or processes that decode a stream. `None`: as
    many as the machine has cores."""
    batch_size: int = 32
    transforms: tuple[Transform, ...] = ()
    """Augmentations of the training images, in this order."""

    def __post_init__(self) -> None:
        require_positive(self, "image_size", "workers", "batch_size", "first_classes")
        require_one_of(self, "resize", RESIZES)
        require_one_of(self, "cache", CACHES)
        require_between(self, "validation", 0, 1)
        require_between(self, "test", 0, 1)
        shares = self.validation + self.test
        require(self, "validation", shares < 1, "less than 1 together with `test`")

    def build(
        self,
        source: Any = None,
        progress: Progress | None = None,
        recorded: Split | None = None,
        announce: Callable[[str], None] | None = None,
    ) -> Dataset:
        """Returns the data set.

        Args:
            source: Goes before the field of that name; arrays are possible too.
            progress: Called with `(done, total)`: bytes of a download, then images.
            recorded: An older split, as `split_file` would hold it.
            announce: Called with one line, the memory needed, before images are
                decoded into it.

        Raises:
            DataError: Nothing usable is there, or a class or part has no image left.
            ConfigError: No source is given.
        """
        chosen = self.source if source is None else source
        if chosen is None:
            raise ConfigError(
                "no data set is given. Pass one as data (--data): a folder, a file or "
                "a name; `residency list datasets` shows the names."
            )
        index = resolve(chosen, progress)
        if self.classes:
            index = index.only_classes(self.classes)
        if self.first_classes is not None:
            index = index.only_classes(index.class_names[: self.first_classes])
        size = self.image_size or common_side(index.reader) or PHOTO_SIZE
        framed = frame_images(
            index,
            image_size=size,
            resize=self.resize,
            keep_full=self.keeps_full,
            cache=self.cache,
            workers=self.workers or 0,
            progress=progress,
            announce=announce,
        )
        _report_quarantined(index, framed)
        if not len(framed.healthy):
            raise DataError(f"{index.source}: none of its images can be read.")
        split = self._split(index, recorded)
        parts = {name: _part(name, index, framed, split) for name in PARTS}
        _require_readable(index, split, parts)
        return Dataset(
            source=index.source,
            class_names=index.class_names,
            image_size=size,
            resize=self.resize,
            train=parts["train"],
            validation=parts["validation"] if len(parts["validation"]) else None,
            test=parts["test"] if len(parts["test"]) else None,
            quarantined=framed.quarantined,
            cache=framed.cache,
            memory=framed.memory,
            split=split,
        )

    @property
    def keeps_full(self) -> bool:
        """Photos keep their shape, as a transform cuts its own squares from them."""
        return any(isinstance(t, RandomResizedCrop) for t in self.transforms)

    def _split(self, index: Index, recorded: Split | None) -> Split:
        """Returns the split of all images: which can be read is no part of it."""
        from_file = None
        if self.split_file and recorded is None:
            from_file = read_split(self.split_file)
        split = make_split(
            index,
            validation=self.validation,
            test=self.test,
            seed=self.split_seed,
            recorded=recorded or from_file,
        )
        if from_file and (changes := compare(from_file, split)):
            logger.warning("%s: since %s: %s", index.source, self.split_file, changes)
        return split


def load(
    source: Any,
    *,
    image_size: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    **settings: Any,
) -> Dataset:
    """Returns a data set: found, its broken images set aside, framed and split.

    Args:
        source: A name (`"cifar10"`, see `list_datasets`), a folder with one subfolder
            of photos a class, a folder of TFRecord shards, a `.csv`, `.npz`,
            `.tfrecord` or CIFAR file, `"kind:PATH"`, or arrays `(x, y)` or
            `((x_train, y_train), (x_test, y_test))`.
        image_size: Side of the square images, in pixels; by default the images' own
            size if they share one, else 224.
        seed: Decides the split. Same seed, same split.
        progress: Called with `(done, total)`: bytes of a download, then images.
        **settings: Any other field of `Data`.

    Raises:
        DataError: Nothing usable is there, or a class or part has no image left.
        ConfigError: A setting is unknown or does not fit.

    Example:

    >>> data = load("digits", seed=0)
    >>> data.num_classes, len(data.train), len(data.validation), len(data.test)
    (10, 1259, 270, 268)
    """
    known = [field.name for field in fields(Data) if field.name != "source"]
    for name in settings:
        if name not in known:
            raise ConfigError(
                f"load: no setting {name!r}.{did_you_mean(name, known)} "
                f"Expected some of {', '.join(known)}."
            )
    given = {"image_size": image_size, "split_seed": seed, **settings}
    plain = {name: _plain(value) for name, value in given.items()}
    config = from_json(Data, {"kind": "Data", **plain})  # checks the types, too
    return config.build(source, progress)


def _plain(value: Any) -> Any:
    """Returns a setting as configs hold it: no number of NumPy, no path."""
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Path) else value


def _part(name: str, index: Index, framed: Framed, split: Split) -> Part:
    rows = np.intersect1d(split.positions(index, name), framed.healthy)
    full = framed.photos_for if name == "train" else None
    return Part(
        name,
        index.select(rows),
        framed.squares_for(rows),
        None if full is None else full(rows),
    )


def _require_readable(index: Index, split: Split, parts: Mapping[str, Part]) -> None:
    """Raises `DataError` for a part or a class to train on that lost all its images."""
    for name, count in split.counts().items():
        if count and not len(parts[name]):
            raise DataError(
                f"{index.source}: none of the {count:,} images of the {name} part can "
                "be read."
            )
    for label in np.setdiff1d(index.labels, parts["train"].labels):
        raise DataError(
            f"{index.source}: class {index.class_names[label]!r} has no image to train "
            "on: none of those in the train part can be read."
        )


def _report_quarantined(index: Index, framed: Framed) -> None:
    if framed.quarantined:
        first = [f"{q.name}: {q.reason}" for q in framed.quarantined]
        logger.warning(
            "%s: %d of %d images cannot be read and are left out (%s)",
            index.source,
            len(first),
            len(index),
            shortened(first, 3),
        )
