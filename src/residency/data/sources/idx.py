"""MNIST's IDX files, gzipped or not: MNIST, Fashion-MNIST and their relatives.

A file starts with two zero bytes, the type of its numbers (8: unsigned byte), the
number of dimensions, and each dimension as a big-endian 32-bit number.
Reference: [LeCun, Cortes and Burges](http://yann.lecun.com/exdb/mnist/).
"""

import gzip
import math
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from residency.data.index import Index, shortened
from residency.data.sources.arrays import index_arrays
from residency.errors import DataError

PREFIXES = {"train": "train", "test": "t10k"}

MNIST_CLASSES = tuple(str(digit) for digit in range(10))

FASHION_MNIST_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)  # https://github.com/zalandoresearch/fashion-mnist#labels

SIZE_LIMIT = 1 << 30  # bytes of one file, unpacked; MNIST's largest has 47 MB


def from_idx(path: str | Path, class_names: Sequence[str] | None = None) -> Index:
    """Returns the index of a folder of IDX files, with parts train and test.

    The files are `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same
    two with `t10k`, each with `.gz` at the end or not; the test part may be absent.

    Args:
        path: The folder.
        class_names: Name of each class number; the numbers themselves if not given.

    Raises:
        DataError: A file is missing, cut off, or not of the IDX format.
    """
    folder = Path(path)
    parts = {}
    for part, prefix in PREFIXES.items():
        images = _find(folder, f"{prefix}-images-idx3-ubyte")
        labels = _find(folder, f"{prefix}-labels-idx1-ubyte")
        if images and labels:
            parts[part] = (read_idx(images, ndim=3), read_idx(labels, ndim=1))
        elif images or labels or part == "train":
            there = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
            raise DataError(
                f"{folder}: expected {prefix}-images-idx3-ubyte and "
                f"{prefix}-labels-idx1-ubyte, gzipped or not; it holds "
                f"{shortened(there) or 'nothing'}."
            )
    return index_arrays(str(path), parts, class_names)


def is_idx(path: Path) -> bool:
    """Returns whether a folder holds IDX files."""
    return _find(path, "train-images-idx3-ubyte") is not None


def read_idx(path: Path, ndim: int) -> np.ndarray:
    """Returns the array of an IDX file of unsigned bytes.

    Args:
        path: The file; `.gz` at the end means gzipped.
        ndim: Dimensions it must have: 3 for images, 1 for labels.

    Raises:
        DataError: Damaged, cut off, too large, or of another type or shape.
    """
    content = _content(path)
    head = 4 + 4 * ndim
    magic = bytes((0, 0, 8, ndim))
    if content[:4] != magic or len(content) < head:
        raise DataError(
            f"{path}: expected an IDX file that starts with {magic.hex(' ')} (unsigned "
            f"bytes, {ndim} dimensions), got {content[:4].hex(' ') or 'nothing'}."
        )
    shape = struct.unpack(f">{ndim}I", content[4:head])
    if len(content) - head != math.prod(shape):
        raise DataError(
            f"{path}: its head says {' x '.join(map(str, shape))} = "
            f"{math.prod(shape):,} bytes, {len(content) - head:,} follow: the file is "
            f"cut off or damaged."
        )
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)


def _content(path: Path) -> bytes:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            content = file.read(SIZE_LIMIT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}.") from error
    if len(content) > SIZE_LIMIT:
        raise DataError(f"{path}: more than {SIZE_LIMIT:,} bytes: not read.")
    return content


def _find(folder: Path, name: str) -> Path | None:
    # Some copies write the dot of "images.idx3" where the original has a dash.
    names = [name, name.replace("-idx", ".idx")]
    paths = [folder / f"{n}{end}" for n in names for end in ("", ".gz")]
    return next((path for path in paths if path.is_file()), None)
