"""Small photos and the real ones, for the tests of the data folder."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from residency.data.index import Index
from residency.errors import BrokenImageError


class Blank:
    """Reads samples without pixels."""

    def read(self, i: int) -> np.ndarray:
        raise BrokenImageError("blank")

    def content(self, i: int) -> bytes:
        return b"blank"


@pytest.fixture(scope="session")
def index_of() -> Callable[..., Index]:
    """Gives a function that makes an index from labels: `index_of([0, 1, 1])`."""

    def make(labels, groups=None, names=None, parts=None) -> Index:
        """Returns an index of samples without pixels."""
        labels = np.asarray(labels, dtype=np.int64)
        count = len(labels)
        return Index(
            source="test",
            names=tuple(names or (f"{i:04d}.png" for i in range(count))),
            labels=labels,
            class_names=tuple(f"c{i}" for i in range(int(labels.max()) + 1)),
            reader=Blank(),
            rows=np.arange(count),
            sizes=np.full(count, 100, dtype=np.int64),
            parts=parts,
            groups=groups,
        )

    return make


@pytest.fixture
def write_photos() -> Callable[..., Path]:
    """Gives a function that writes tiny PNGs: `write_photos(root, {"a/x": 3})`."""

    def write(root: Path, counts: dict[str, int], size: int = 4) -> Path:
        for number, (folder, count) in enumerate(counts.items()):
            (root / folder).mkdir(parents=True, exist_ok=True)
            for i in range(count):
                pixels = np.full((size, size, 3), (number, i, 7), np.uint8)
                Image.fromarray(pixels).save(root / folder / f"{i:03d}.png")
        return root

    return write


@pytest.fixture
def real_photos() -> Path:
    """Gives the folder of real photos, or skips."""
    default = Path(__file__).parents[2] / ".." / "shared" / "data"
    folder = Path(os.environ.get("RESIDENCY_TEST_DATA") or default) / "photos"
    if not folder.is_dir():
        pytest.skip(f"no real photos at {folder}; set RESIDENCY_TEST_DATA")
    return folder
