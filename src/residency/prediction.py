"""A trained model on image files: the pixels and classes of its training."""

import glob
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from residency.data.decode import decode
from residency.data.index import shortened
from residency.data.resize import resize
from residency.data.sources.image_files import is_image, walk
from residency.engine.evaluation import BATCH_SIZE, predictions, probabilities
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
        given; what could not be read and why. The true class is filled in where
        the folder an image lies in has the name of a class.

    Raises:
        DataError: A path leads to no image, none of the images can be read, or a folder
            sorts its images into classes of which the model knows none.
    """
    trained = open_trained(run_or_model)
    names = trained.contract.class_names
    paths = [paths] if isinstance(paths, str | Path) else paths
    listed = list_images(paths)
    if trained.named:
        for path in paths:
            _require_known_classes(Path(path), names)
    network = Network(trained.model, precision)
    found: list[Prediction] = []
    broken: list[Quarantined] = []
    for files, images in _framed(listed, trained.contract, broken):
        truth = [f.parent.name if f.parent.name in names else None for f in files]
        given = probabilities(network, np.stack(images))
        found += predictions([str(f) for f in files], given, names, truth)
    if not found:
        reasons = [f"{each.name}: {each.reason}" for each in broken]
        raise DataError(
            f"none of {len(broken):,} images can be read: {shortened(reasons, 3)}."
        )
    return found, broken


def read_image(path: str | Path, contract: Contract) -> np.ndarray:
    """Returns the image at `path` as the model sees it, uint8 `(size, size, 3)`."""
    return resize(decode(Path(path)), contract.image_size, contract.resize)


def list_images(paths: Sequence[str | Path] | str | Path) -> list[Path]:
    """Returns the image files that files, folders and glob patterns stand for.

    Raises:
        DataError: Something leads to no image.
    """
    if isinstance(paths, str | Path):
        paths = [paths]
    found: list[Path] = []
    for given in paths:
        files = _files(str(given))
        if not files:
            raise DataError(
                f"{given}: no image is there. Expected an image file, a folder with "
                "images or a pattern such as 'photos/*.jpg' or 'photos/**/*.jpg'."
            )
        found += files
    return list(dict.fromkeys(found))


def _files(given: str) -> list[Path]:
    """Returns the images of one file, folder or pattern, in their order."""
    path = Path(given)
    if path.is_dir():
        return _inside(path)
    if path.exists():
        return [path]  # whatever its name
    matches = [Path(match) for match in sorted(glob.glob(given, recursive=True))]
    folders = [match for match in matches if match.is_dir()]
    files = [m for m in matches if is_image(m.name) and m not in folders]
    return files + [file for folder in folders for file in _inside(folder)]


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(path for path, _ in walk(folder, ()))
    except OSError as error:
        raise DataError(
            f"{error.filename}: cannot be read: {error.strerror}."
        ) from error


def _require_known_classes(folder: Path, names: Sequence[str]) -> None:
    """Compares the subfolders that hold the images of a folder with the classes."""
    if not folder.is_dir():
        return
    labels = sorted({f.parent.name for f in _inside(folder) if f.parent != folder})
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
