"""A trained model on image files: the pixels and classes of its training."""

import glob
import logging
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from residency.data.decode import decode
from residency.data.index import shortened
from residency.data.resize import resize
from residency.data.sources.image_files import is_image, readable, walk
from residency.engine.evaluation import (
    BATCH_SIZE,
    predictions,
    probabilities,
    warn_of_unanswered,
)
from residency.engine.network import Network
from residency.errors import BrokenImageError, DataError
from residency.models import Contract
from residency.records import Prediction, Quarantined
from residency.trained import open_trained

logger = logging.getLogger(__name__)


def predict(
    run_or_model: Any,
    paths: Sequence[str | Path] | str | Path,
    *,
    precision: str = "float32",
) -> tuple[list[Prediction], list[Quarantined]]:
    """Classifies image files, resized and preprocessed as in training.

    Args:
        run_or_model: A `Run`, a run folder, a `.keras` file or a Keras model.
        paths: Files, folders (searched through) and glob patterns.
        precision: As for `evaluate`.

    Returns:
        `(predictions, broken)`: one prediction a readable image, in the order
        given; what could not be read and why. The true class is filled in where a
        folder on the way to an image has the name of one: the first below what was
        given, as in training, else what was given.

    Raises:
        DataError: A path leads to no image, none of the images can be read, or a folder
            sorts its images into classes of which the model knows none.
    """
    trained = open_trained(run_or_model)
    names = trained.contract.class_names
    known = frozenset(names)
    paths = [paths] if isinstance(paths, str | Path) else paths
    listed = _listed(paths)
    if trained.named:
        for path in map(Path, paths):
            if path.is_dir():
                inside = [file for file, start in listed.items() if start == path]
                _require_known_classes(inside, path, names)
    network = Network(trained.model, precision)
    found: list[Prediction] = []
    broken: list[Quarantined] = []
    for files, images in _framed(list(listed), trained.contract, broken):
        truth = [_class_of(file, listed[file], known) for file in files]
        given = probabilities(network, np.stack(images))
        found += predictions([str(f) for f in files], given, names, truth)
    if not found:
        reasons = [readable(f"{each.name}: {each.reason}") for each in broken]
        raise DataError(
            f"none of {len(broken):,} images can be read: {shortened(reasons, 3)}."
        )
    unanswered = sum(math.isnan(prediction.confidence) for prediction in found)
    warn_of_unanswered(unanswered, len(found))
    return found, broken


def read_image(path: str | Path, contract: Contract) -> np.ndarray:
    """Returns the image at `path` as the model sees it, uint8 `(size, size, 3)`."""
    return resize(decode(Path(path)), contract.image_size, contract.resize)


def list_images(paths: Sequence[str | Path] | str | Path) -> list[Path]:
    """Returns the image files that files, folders and glob patterns stand for.

    Raises:
        DataError: Something leads to no image.
    """
    return list(_listed([paths] if isinstance(paths, str | Path) else paths))


def _listed(paths: Sequence[str | Path]) -> dict[Path, Path]:
    """Returns the folder, or start of a pattern, below which each image was found."""
    found: dict[Path, Path] = {}
    for given in paths:
        files = _files(str(given))
        if not files:
            raise DataError(
                f"{given}: no image is there. Expected an image file, a folder with "
                "images or a pattern such as 'photos/*.jpg' or 'photos/**/*.jpg'."
            )
        for file, start in files:
            found.setdefault(file, start)
    return found


def _files(given: str) -> list[tuple[Path, Path]]:
    """Returns the images of one file, folder or pattern, each with where it starts."""
    path = Path(given)
    if path.is_dir():
        return [(file, path) for file in _inside(path)]
    if path.exists():
        return [(path, path.parent)]  # whatever its name
    start = next(p for p in path.parents if not glob.has_magic(str(p)))
    matches = [Path(match) for match in sorted(glob.glob(given, recursive=True))]
    folders = [match for match in matches if match.is_dir()]
    files = [m for m in matches if is_image(m.name) and m not in folders]
    inside = [file for folder in folders for file in _inside(folder)]
    return [(file, start) for file in files + inside]


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(path for path, _ in walk(folder, ()))
    except OSError as error:
        raise DataError(
            f"{error.filename}: cannot be read: {error.strerror}."
        ) from error


def _class_of(file: Path, start: Path, known: frozenset[str]) -> str | None:
    """Returns the class that a folder on the way from `start` to an image names."""
    way = (*file.relative_to(start).parts[:-1], start.name)
    return next((name for name in map(readable, way) if name in known), None)


def _require_known_classes(
    files: Sequence[Path], folder: Path, names: Sequence[str]
) -> None:
    """Compares the subfolders that hold the images of a folder with the classes."""
    known = frozenset(names)
    tops = {f: f.relative_to(folder).parts[0] for f in files if f.parent != folder}
    found = {_class_of(f, folder, known) or readable(top) for f, top in tops.items()}
    labels = sorted(found)
    unknown = [label for label in labels if label not in names]
    if len(labels) > 1 and unknown == labels:
        raise DataError(
            f"{folder}: the images lie in the folders {shortened(labels)}, and none is "
            f"a class of the model: {shortened(names)}. If the folders are no classes, "
            f"give a pattern: '{folder}/**/*.jpg'."
        )
    if len(labels) > 1 and unknown:
        logger.warning("%s: %s are no classes of the model", folder, shortened(unknown))


def _framed(
    files: list[Path], contract: Contract, broken: list[Quarantined]
) -> Iterator[tuple[list[Path], list[np.ndarray]]]:
    """Yields files and their pixels, a batch at a time; adds to `broken`."""

    def read(file: Path) -> np.ndarray | Quarantined:
        try:
            return read_image(file, contract)
        except BrokenImageError as error:
            return Quarantined(str(file), str(error))

    with ThreadPoolExecutor() as pool:
        for start in range(0, len(files), BATCH_SIZE):
            batch = files[start : start + BATCH_SIZE]
            good: list[tuple[Path, np.ndarray]] = []
            for file, image in zip(batch, pool.map(read, batch), strict=True):
                if isinstance(image, Quarantined):
                    broken.append(image)
                else:
                    good.append((file, image))
            if good:
                yield [f for f, _ in good], [image for _, image in good]
