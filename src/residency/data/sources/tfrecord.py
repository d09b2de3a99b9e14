"""TFRecord shards of `tf.train.Example`s, read without TensorFlow.

An example names its image, its label and more in one of a few spellings: ImageNet's
(Inception's), TensorFlow Datasets' or a tutorial's. Classes are numbered by the labels,
as weights that were trained on the same shards have them.
"""

import mmap
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from residency.data.decode import probe
from residency.data.index import Index, by_number, shortened
from residency.data.sources.example import Span, Value, features, first_value
from residency.data.sources.folder import PART_NAMES
from residency.data.sources.image_files import missing, readable
from residency.data.sources.readers import SpanReader
from residency.data.sources.shards import DamagedError, records
from residency.errors import BrokenImageError, DataError

SHARD = re.compile(r"\.tfrec(ord)?s?($|[-_.])|-[0-9]{5}-of-[0-9]{5}$", re.IGNORECASE)
"""In names of shards: `birds.tfrecord`, `train-00000-of-01024`, ..."""

IMAGES = ("image/encoded", "image", "image_raw", "image/raw", "img", "jpg", "jpeg")
LABELS = ("image/class/label", "label", "image/label", "class", "target")
TEXTS = ("image/class/text", "text", "label/text", "label_text", "class_name")
SHAPES = (
    ("image/height", "height"),
    ("image/width", "width"),
    ("image/channels", "channels", "depth"),
)

CLASS_FILES = ("label.labels.txt", "labels.txt", "classes.txt", "class_names.txt")
"""Class names by label, one a line, beside the shards; `0:daisy` is one, too."""

Found = Mapping[str, Span]
"""Where the features of an example lie, by name."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """What an example says of its image."""

    name: str
    part: str | None
    place: tuple[int, int, int]
    """As `SpanReader.places`."""
    shape: tuple[int, ...] | None
    """As `SpanReader.shapes`."""
    label: int | str
    text: str | None


def from_tfrecord(path: str | Path) -> Index:
    """Returns the index of one TFRecord file, or of those in a folder.

    Shards whose name or folder says so (`train-00000-of-00008`, `validation/...`) are
    ready parts. Class names are those of a file of `CLASS_FILES`, else the examples'
    own texts, else the labels.

    Args:
        path: A file, or a folder with shards in it, or in `train/`, `test/`, ...

    Raises:
        DataError: There are no shards, one is damaged, or its examples have no image
            or no label under a known name.
    """
    root = Path(path)
    shards = _shards(root)
    samples = [
        sample
        for number, shard in enumerate(shards)
        for sample in _samples(number, shard, _name(root, shard))
    ]
    if not samples:
        raise DataError(f"{path}: its shards hold no example.")
    shapes = [sample.shape for sample in samples if sample.shape is not None]
    if 0 < len(shapes) < len(samples):
        raise DataError(f"{path}: some examples hold pixels, others files of images.")
    labels, class_names = _classes(path, samples, _listed(root))
    if len(class_names) < 2:
        raise DataError(
            f"{path}: one class only ({shortened(class_names)}), at least 2 are needed."
        )
    return Index(
        source=str(path),
        names=tuple(sample.name for sample in samples),
        labels=labels,
        class_names=class_names,
        reader=SpanReader(
            tuple(shards),
            np.array([sample.place for sample in samples], np.int64),
            np.array(shapes, np.int64) if shapes else None,
        ),
        rows=np.arange(len(samples)),
        sizes=np.array([sample.place[2] for sample in samples], np.int64),
        parts=_parts(path, [sample.part for sample in samples]),
    )


def is_tfrecord(folder: Path) -> bool:
    """Tells whether there are shards in a folder, or in those of its ready parts."""
    return any(True for _ in _shards_in(folder))


def _shards(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    if not root.exists():
        raise DataError(missing(root))
    shards = sorted(_shards_in(root))
    if not shards:
        raise DataError(
            f"{root}: no TFRecord files. Looked for names such as birds.tfrecord and "
            "train-00000-of-01024, here and in train/, validation/ and test/."
        )
    return shards


def _shards_in(root: Path) -> Iterator[Path]:
    for path in root.iterdir():
        if path.name.lower() in PART_NAMES and path.is_dir():
            yield from filter(_is_shard, path.iterdir())
        elif _is_shard(path):
            yield path


def _is_shard(path: Path) -> bool:
    named = SHARD.search(path.name) and not path.name.startswith(".")
    return bool(named) and path.suffix not in (".json", ".txt") and path.is_file()


def _name(root: Path, shard: Path) -> str:
    return shard.name if shard == root else shard.relative_to(root).as_posix()


def _samples(number: int, path: Path, name: str) -> Iterator[_Sample]:
    """Yields what the examples of a shard say, in their order."""
    if path.stat().st_size == 0:  # a shard may be empty, and cannot be mapped
        return
    part, count = _part_of(name), 0
    with (
        open(path, "rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as view,
    ):
        try:
            for span in records(view):
                found = features(view, *span)
                where = f"{path}: example {count:,}"
                begin, end = _image(where, view, found)
                yield _Sample(
                    name=f"{readable(name)}/{count:06d}",
                    part=part,
                    place=(number, begin, end - begin),
                    shape=_shape(view, found, view[begin:end]),
                    label=_label(where, view, found),
                    text=_text(view, found, TEXTS),
                )
                count += 1
        except DamagedError as error:
            packed = " It is gzipped: unpack it." if view[:2] == b"\x1f\x8b" else ""
            raise DataError(
                f"{path}: cannot be read as TFRecord, example {count:,}: {error}."
                f"{packed}"
            ) from error


def _part_of(name: str) -> str | None:
    """Returns the part that a shard's folder or file name speaks of, if it does one.

    >>> _part_of("train-00000-of-00008"), _part_of("mnist-test.tfrecord-00000-of-00001")
    ('train', 'test')
    >>> _part_of("validation/a.tfrecord"), _part_of("birds.tfrecord")
    ('validation', None)
    """
    words = re.split(r"[-_./]", name.lower())
    parts = {PART_NAMES[word] for word in words if word in PART_NAMES}
    return parts.pop() if len(parts) == 1 else None


def _parts(path: str | Path, parts: Sequence[str | None]) -> tuple[str, ...] | None:
    """Returns the ready parts; `None` where the names speak of none, or of one."""
    named = set(parts)
    if len(named) == 1:
        return None
    if None in named or "train" not in named:
        told = ", ".join(sorted(part for part in named if part))
        raise DataError(
            f"{path}: some shards are called {told} and "
            f"{'others are not' if None in named else 'none is called train'}. Give "
            "one file, or a folder whose shards all say which part they are."
        )
    return tuple(part for part in parts if part)


def _first(view: memoryview, found: Found, names: Sequence[str]) -> Value:
    """Returns the value of the first of these features that has one."""
    values = (first_value(view, *found[name]) for name in names if name in found)
    return next((value for value in values if value is not None), None)


def _text(view: memoryview, found: Found, names: Sequence[str]) -> str | None:
    span = _first(view, found, names)
    return (
        str(view[slice(*span)], "utf-8", "replace") if isinstance(span, tuple) else None
    )


def _image(where: str, view: memoryview, found: Found) -> Span:
    span = _first(view, found, IMAGES)
    if not isinstance(span, tuple):
        _raise_missing(where, found, "image", IMAGES)
    return span


def _label(where: str, view: memoryview, found: Found) -> int | str:
    label = _first(view, found, LABELS)
    if isinstance(label, int) and label >= 0:
        return label
    text = _text(view, found, TEXTS if label is None else LABELS)
    if text is None:
        _raise_missing(where, found, "label", LABELS)
    return text


def _raise_missing(
    where: str, found: Found, what: str, names: Sequence[str]
) -> NoReturn:
    raise DataError(
        f"{where} has no {what}. Expected one as "
        f"{' or '.join(names)}; it has {shortened(sorted(found)) or 'nothing'}."
    )


def _shape(view: memoryview, found: Found, image: memoryview) -> tuple[int, ...] | None:
    """Returns the shape of pixels; `None` where the bytes are a file of an image."""
    sides = [_first(view, found, names) for names in SHAPES]
    height, width, channels = (s if isinstance(s, int) else 0 for s in sides)
    channels = channels or 1
    if channels not in (1, 3) or height * width * channels != len(image) or not image:
        return None
    try:
        probe(bytes(image))
    except BrokenImageError:
        return height, width, channels
    return None


def _classes(
    path: str | Path, samples: Sequence[_Sample], listed: Sequence[str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Returns the class number of each sample, and the names of the classes."""
    given = [sample.label for sample in samples]
    if any(isinstance(label, str) for label in given):
        words = by_number({str(label) for label in given})
        place = {word: number for number, word in enumerate(words)}
        return np.array([place[str(w)] for w in given], np.int64), tuple(words)
    numbers, labels = np.unique(np.array(given, np.int64), return_inverse=True)
    if listed and numbers[-1] >= len(listed):
        raise DataError(
            f"{path}: label {numbers[-1]} has no name: the list of classes beside it "
            f"has {len(listed)}, counted from 0."
        )
    if listed:
        return np.array(given, np.int64), tuple(listed)
    texts = {sample.label: sample.text for sample in samples if sample.text}
    named = len(texts) == len(set(texts.values())) == len(numbers)
    names = (texts[n] if named else str(n) for n in numbers.tolist())
    return labels, tuple(names)


def _listed(root: Path) -> list[str]:
    """Returns the class names of a list beside the shards, or none."""
    folder = root.parent if root.is_file() else root
    for name in CLASS_FILES:
        if (folder / name).is_file():
            text = (folder / name).read_text(encoding="utf-8", errors="replace")
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            return [re.sub(r"^[0-9]+:", "", line) for line in lines]
    return []
