"""What `load` returns: three parts of decoded, equally framed images."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from residency.data.draws import permutation
from residency.data.index import Index
from residency.data.splits import Split
from residency.records import Quarantined


class Frames(Protocol):
    """Decoded images of one part, uint8 RGB, in memory or read when asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: int) -> np.ndarray:
        """Returns image `i`, `(height, width, 3)`; raises `BrokenImageError`."""
        ...

    def select(self, rows: np.ndarray) -> "Frames":
        """Returns the frames of the images numbered `rows`, in that order."""
        ...


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Part:
    """One side of the split."""

    name: str
    """`"train"`, `"validation"` or `"test"`."""
    index: Index
    frames: Frames
    """Squares, as evaluation and prediction see them."""
    photos: Frames | None = None
    """The same images in their full shape, where `RandomResizedCrop` cuts from them."""

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        return f"<{self.name} part of {self.index.source}: {len(self):,} images>"

    @property
    def labels(self) -> np.ndarray:
        """Class numbers, int64, `(images,)`."""
        return self.index.labels

    def select(self, rows: np.ndarray) -> "Part":
        """Returns the part with only the images numbered `rows`, in that order."""
        return Part(
            self.name,
            self.index.select(rows),
            self.frames.select(rows),
            None if self.photos is None else self.photos.select(rows),
        )

    def sample(self, count: int, seed: int) -> "Part":
        """Returns `count` images of the part, or all, chosen by `seed` alone."""
        return self.select(permutation(seed, 0, len(self))[:count])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Dataset:
    """Labelled images, split and ready to be batched."""

    source: str
    """What the user typed."""
    class_names: tuple[str, ...]
    image_size: int
    """Side of the square images a model sees, in pixels."""
    resize: Literal["stretch", "pad", "crop"]
    """The same at prediction."""
    train: Part
    validation: Part | None
    test: Part | None
    split: Split
    """Which image is in which part, to be recorded."""
    quarantined: tuple[Quarantined, ...] = ()
    cache: Literal["memory", "stream"] = "memory"
    """Whether the decoded images are kept, or decoded in every epoch."""
    memory: str = ""
    """One line: how many bytes the decoded images take, and where they are kept."""

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(part):,} {part.name}" for part in self.parts())
        return (
            f"<{self.source}: {counts} images of {self.num_classes} classes at "
            f"{self.image_size}x{self.image_size}>"
        )

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def parts(self) -> Iterator[Part]:
        """Yields the parts that exist: train, validation, test."""
        for part in (self.train, self.validation, self.test):
            if part is not None:
                yield part

    def part(self, name: str) -> Part | None:
        """Returns the part called `name`, `None` if there is none."""
        return next((part for part in self.parts() if part.name == name), None)
