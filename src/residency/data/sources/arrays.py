"""Images in memory, and NumPy's `.npz` files of them.

Checked here once: the shape and range of the pixels, the form of the labels.
Every format that stores pixels (CIFAR, IDX, digits) ends in `index_arrays`.
"""

import logging
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from residency.data.index import PARTS, Index, by_number, shortened
from residency.data.sources.readers import ArrayReader
from residency.errors import DataError

logger = logging.getLogger(__name__)

Labelled = tuple[Any, Any]
"""Images and their labels."""

NPZ_KEYS = {
    "train": ("x_train", "y_train"),
    "validation": ("x_val", "y_val"),
    "test": ("x_test", "y_test"),
}

IN_MEMORY = "arrays"
"""The source of data that no path leads to."""


def from_arrays(
    arrays: Any, class_names: Sequence[str] | None = None, source: str = IN_MEMORY
) -> Index:
    """Returns the index of `(x, y)`, or of `((x_train, y_train), (x_test, y_test))`.

    Args:
        arrays: Images `(images, height, width)`, with 1 or 3 channels at the end if
            any; uint8, integers or floats in 0..255, or floats in 0..1, which are
            scaled by 255. Labels are integers or words `(images,)`, integers
            `(images, 1)`, or one-hot rows `(images, classes)`.
        class_names: Name of each class number. If not given, the labels that occur,
            or the numbers of all columns of one-hot rows.
        source: Name of the data in messages.

    Raises:
        DataError: A shape, a range of pixels or a form of labels that has no one
            meaning, or images and labels of different number.

    Example:

    >>> images = np.zeros((4, 8, 8), np.uint8)
    >>> from_arrays((images, ["cat", "dog", "dog", "cat"])).class_names
    ('cat', 'dog')
    """
    if not isinstance(arrays, tuple | list) or len(arrays) != 2:
        raise DataError(
            f"{source}: expected (x, y) or ((x_train, y_train), (x_test, y_test)), "
            f"got {type(arrays).__name__}."
        )
    if all(map(_holds_images, arrays)):
        parts = {"train": arrays[0], "test": arrays[1]}
        return index_arrays(source, parts, class_names)
    return index_arrays(source, {"": tuple(arrays)}, class_names)


def from_npz(path: str | Path) -> Index:
    """Returns the index of an `.npz` file.

    Its keys are `x` and `y`, or `x_train`, `y_train` and, where there are such
    parts, `x_val`, `y_val`, `x_test`, `y_test`; `class_names` is optional.

    Raises:
        DataError: Not such a file, or one with pickled objects in it.
    """
    try:
        with open(path, "rb") as raw:
            if not zipfile.is_zipfile(raw):
                raise ValueError("it is no archive")
            raw.seek(0)
            with np.load(raw, allow_pickle=False) as file:
                stored = {key: file[key] for key in file.files}
    # Damaged bytes end in a dozen types: BadZipFile, TokenError, MemoryError, ...
    except Exception as error:
        raise DataError(
            f"{path}: cannot be read as an .npz file of plain arrays: {error}"
        ) from error
    names = stored.get("class_names")
    class_names = None if names is None else [_text(name) for name in names.ravel()]
    if "x" in stored and "y" in stored:
        return index_arrays(str(path), {"": (stored["x"], stored["y"])}, class_names)
    parts = {
        part: (stored[x], stored[y])
        for part, (x, y) in NPZ_KEYS.items()
        if x in stored and y in stored
    }
    if "train" not in parts:
        raise DataError(
            f"{path}: expected the keys x and y, or x_train and y_train, "
            f"got {shortened(sorted(stored)) or 'none'}."
        )
    return index_arrays(str(path), parts, class_names)


def _text(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def index_arrays(
    source: str, parts: Mapping[str, Labelled], class_names: Sequence[str] | None = None
) -> Index:
    """Returns the index of the arrays of each part; `""` alone means no parts.

    Samples are named `part/000123`, by their position in the part.

    Raises:
        DataError: As `from_arrays`.
    """
    order = [part for part in ("", *PARTS) if part in parts]
    images = [as_pixels(parts[part][0], _where(source, part)) for part in order]
    raw = [as_labels(parts[part][1], _where(source, part)) for part in order]
    for part, x, y in zip(order, images, raw, strict=True):
        if len(x) != len(y):
            raise DataError(
                f"{_where(source, part)}: {len(x):,} images but {len(y):,} labels."
            )
    shapes = {x.shape[1:] for x in images}
    if len(shapes) > 1:
        raise DataError(
            f"{source}: expected images of one shape in all parts, "
            f"got {' and '.join(map(str, sorted(shapes)))}."
        )
    if class_names is None:
        class_names = _columns([parts[part][1] for part in order], source)
    labels, names = _numbered(np.concatenate(raw), class_names, source)
    _warn_of_empty(labels, names, source)
    pixels = images[0] if len(images) == 1 else np.concatenate(images)
    part_of = tuple(
        p for p, x in zip(order, images, strict=True) for _ in range(len(x))
    )
    return Index(
        source=source,
        names=tuple(
            f"{part}/{i:06d}" if part else f"{i:06d}"
            for part, x in zip(order, images, strict=True)
            for i in range(len(x))
        ),
        labels=labels,
        class_names=names,
        reader=ArrayReader(pixels),
        rows=np.arange(len(pixels)),
        sizes=np.full(len(pixels), int(np.prod(pixels.shape[1:])), dtype=np.int64),
        parts=part_of if order != [""] else None,
    )


def as_pixels(x: Any, where: str) -> np.ndarray:
    """Returns images as uint8, `(images, height, width)` or with 3 channels."""
    try:
        x = np.asarray(x)
    except ValueError as error:
        raise DataError(
            f"{where}: the images have different shapes: {error}"
        ) from error
    if x.ndim == 4 and x.shape[-1] == 1:
        x = x[..., 0]
    if x.ndim not in (3, 4) or (x.ndim == 4 and x.shape[-1] != 3) or 0 in x.shape:
        first = x.ndim == 4 and x.shape[1] in (1, 3)
        hint = " Channels come last: x.transpose(0, 2, 3, 1)." if first else ""
        raise DataError(
            f"{where}: expected images of shape (images, height, width), with 1 or 3 "
            f"channels at the end if any, got {x.shape}.{hint}"
        )
    if x.dtype == np.uint8:
        return x
    if x.dtype == np.bool_:
        return x.astype(np.uint8) * np.uint8(255)
    if not np.issubdtype(x.dtype, np.number) or np.iscomplexobj(x):
        raise DataError(f"{where}: expected numbers as pixels, got {x.dtype}.")
    return _to_uint8(x, _scale(x, where))


def _holds_images(pair: Any) -> bool:
    """Returns whether this is `(x, y)` rather than labels."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        return False
    x = pair[0]
    return hasattr(x, "__len__") and len(x) > 0 and np.ndim(x[0]) >= 2


def _scale(x: np.ndarray, where: str) -> float:
    """Returns what to multiply pixels by: 255 or 1."""
    low, high = float(x.min()), float(x.max())
    integer = np.issubdtype(x.dtype, np.integer)
    if not integer and low >= 0 and high <= 1:
        return 255.0
    whole = integer or all(np.array_equal(row, np.rint(row)) for row in x)
    # Standardised pixels stay far below 32; resized photos in 0..255 rise above it.
    if low >= 0 and high <= 255 and (whole or high > 32):
        return 1.0
    raise DataError(
        f"{where}: expected pixels in 0..255, or floats in 0..1, got {x.dtype} in "
        f"{low:.4g}..{high:.4g}. Give raw pixels: the model normalises them itself."
    )


def _to_uint8(x: np.ndarray, scale: float) -> np.ndarray:
    out = np.empty(x.shape, dtype=np.uint8)
    for start in range(0, len(x), 1024):  # bounds the floats in between
        block = x[start : start + 1024]
        out[start : start + 1024] = np.rint(block * scale)
    return out


def as_labels(y: Any, where: str) -> np.ndarray:
    """Returns one label an image, `(images,)`, integers or words."""
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2 and y.dtype.kind in "biuf":
        rows = y.astype(np.float64)
        if not (np.isin(rows, (0, 1)).all() and (rows.sum(axis=1) == 1).all()):
            raise DataError(
                f"{where}: labels of shape {y.shape} are not one-hot: expected a "
                f"single 1 a row."
            )
        return rows.argmax(axis=1)
    if y.ndim != 1:
        raise DataError(
            f"{where}: expected labels of shape (images,) or one-hot "
            f"(images, classes), got {y.shape}."
        )
    if y.dtype.kind == "f" and np.array_equal(y, np.rint(y)):
        return y.astype(np.int64)
    if y.dtype.kind in "biu":
        return y.astype(np.int64)
    if y.dtype.kind in "US" or (
        y.dtype.kind == "O" and all(isinstance(word, str) for word in y)
    ):
        return np.asarray(y, dtype=np.str_)
    raise DataError(
        f"{where}: expected integers or words as labels, got {y.dtype} such as "
        f"{y[0] if len(y) else 'none'!r}."
    )


def _numbered(
    raw: np.ndarray, class_names: Sequence[str] | None, source: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Returns class numbers and names."""
    if class_names is None or raw.dtype.kind == "U":
        values, labels = np.unique(raw, return_inverse=True)
        found = [str(value) for value in values]
        names = tuple(by_number(found))
        labels = np.array([names.index(name) for name in found])[labels]
    else:
        labels, names = raw, tuple(class_names)
        if len(raw) and (raw.min() < 0 or raw.max() >= len(names)):
            raise DataError(
                f"{source}: expected labels in 0..{len(names) - 1}, one of "
                f"{len(names)} class names, got {raw.min()}..{raw.max()}."
            )
    if len(names) < 2:
        raise DataError(
            f"{source}: {len(names)} class ({shortened(names)}), at least 2 are needed."
        )
    return labels.astype(np.int64).reshape(-1), names


def _columns(labels: Sequence[Any], source: str) -> tuple[str, ...] | None:
    """Returns the number of each column of one-hot labels; `None` for other labels."""
    shapes = [np.shape(y) for y in labels]
    counts = {shape[1] for shape in shapes if len(shape) == 2 and shape[1] > 1}
    if len(counts) > 1:
        raise DataError(
            f"{source}: expected one-hot labels of as many columns in all parts, got "
            f"{' and '.join(map(str, sorted(counts)))}."
        )
    return tuple(str(n) for n in range(counts.pop())) if counts else None


def _warn_of_empty(labels: np.ndarray, names: Sequence[str], source: str) -> None:
    counts = np.bincount(labels, minlength=len(names))
    if empty := [name for name, count in zip(names, counts, strict=True) if not count]:
        logger.warning("%s: no image of the classes %s", source, shortened(empty))


def _where(source: str, part: str) -> str:
    return f"{source}, {part}" if part else source
