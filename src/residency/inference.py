"""A trained model on other images: evaluate a labelled set, predict files."""

import glob
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from residency.data import Data, Dataset, Part
from residency.data.decode import decode
from residency.data.index import shortened
from residency.data.resize import resize
from residency.data.sources.arrays import IN_MEMORY
from residency.data.sources.image_files import is_image, walk
from residency.data.sources.resolve import absolute
from residency.data.splits import find_again, read_split
from residency.engine.evaluation import (
    BATCH_SIZE,
    predictions,
    probabilities,
)
from residency.engine.evaluation import (
    evaluate as evaluate_network,
)
from residency.engine.network import Network
from residency.errors import BrokenImageError, DataError
from residency.models import Contract, load_model
from residency.records import Evaluation, Prediction, Quarantined
from residency.run_folder import is_run_folder, read_recipe
from residency.session import Run

import keras  # isort: skip  after residency.models, which chooses the backend

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trained:
    """A model with what its file says, and the run it came from, if any."""

    model: keras.Model
    contract: Contract
    run: Path | None
    named: bool = True
    """The class names and the resize mode are the model's own, not stand-ins."""


def open_trained(run_or_model: Any) -> Trained:
    """Returns the model of a run, a run folder, a `.keras` file or a Keras model.

    A run gives its best model. A file without class names gives their numbers. What
    this function returned is returned again.

    Raises:
        ExportError: There is no such file, or it is no model.
    """
    if isinstance(run_or_model, Trained):
        return run_or_model
    if isinstance(run_or_model, Run):
        run_or_model = run_or_model.folder
    if isinstance(run_or_model, keras.Model):
        return Trained(run_or_model, _bare_contract(run_or_model), None, named=False)
    path = Path(run_or_model)
    run = next((p for p in (path, path.parent) if is_run_folder(p)), None)
    if path == run:
        path = path / "best.keras"
        if not path.exists():
            path = path.with_name("last.keras")
    model, contract = load_model(path)
    if contract is not None:
        return Trained(model, contract, run)
    contract = _bare_contract(model)
    logger.warning(
        "%s holds no class names; predictions are class numbers, images are resized "
        "to %d pixels",
        path,
        contract.image_size,
    )
    return Trained(model, contract, run, named=False)


def evaluate(
    run_or_model: Any, data: Any = None, *, part: str | None = None
) -> Evaluation:
    """Measures a model on labelled images.

    Args:
        run_or_model: A `Run`, a run folder, a `.keras` file or a Keras model.
        data: What `residency.data.load` accepts, or a `Dataset`; `None` for the
            run's own data.
        part: `"train"`, `"validation"`, `"test"`, or `"all"` of a source without
            parts. `None`: the test part, else validation, else all images.

    Raises:
        DataError: The classes or the size are not the model's, or there is no such
            part.

    The run's own data are split as in training; other data without parts are
    measured whole. Where images are among them that the run was trained on, by name
    and content, a warning says how many.
    """
    trained = open_trained(run_or_model)
    dataset, own = _dataset(trained, data)
    dataset = _with_classes(dataset, trained)
    chosen = _part(dataset, part, own)
    seen = _seen_in_training(trained, dataset, chosen)
    if seen["train"] and chosen.name != "train":
        logger.warning(
            "%s: the run was trained on %d of the %d images measured; the figures are "
            "too good",
            dataset.source,
            seen["train"],
            len(chosen),
        )
    return evaluate_network(
        Network(trained.model),
        dataset,
        chosen,
        used_for_choosing=seen["validation"] > 0,
    )


def predict(
    run_or_model: Any, paths: Sequence[str | Path] | str | Path
) -> tuple[list[Prediction], list[Quarantined]]:
    """Classifies image files, resized and preprocessed as in training.

    Args:
        run_or_model: A `Run`, a run folder, a `.keras` file or a Keras model.
        paths: Files, folders (searched through) and glob patterns.

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
    network = Network(trained.model)
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


def _bare_contract(model: keras.Model) -> Contract:
    size = model.input_shape[1] or 224
    numbers = tuple(str(n) for n in range(model.output_shape[-1]))
    return Contract(class_names=numbers, image_size=size, resize=Data().resize)


def _dataset(trained: Trained, data: Any) -> tuple[Dataset, bool]:
    """Returns the data set and whether it is split as in the model's training."""
    if isinstance(data, Dataset):
        _require_same_framing(trained, data)
        return data, False
    contract = trained.contract
    if trained.run is not None:
        settings = read_recipe(trained.run).data
        if data is None and settings.source == IN_MEMORY:
            raise DataError(
                f"{trained.run}: was trained on arrays in memory. Pass them as data."
            )
        if data is None or _same_source(data, settings.source):
            split = str(trained.run / "split.json")
            return replace(settings, split_file=split).build(), True
    if data is None:
        raise DataError("no data set: pass --data, or a run that knows its own.")
    settings = Data(
        image_size=contract.image_size,
        resize=contract.resize,
        validation=0.0,
        test=0.0,
    )
    return settings.build(data), False


def _same_source(data: Any, recorded: str | None) -> bool:
    if not isinstance(data, str | Path) or recorded is None:
        return False
    given = absolute(data)
    return given == recorded or Path(given).resolve() == Path(recorded).resolve()


def _require_same_framing(trained: Trained, dataset: Dataset) -> None:
    """Raises `DataError` if the images are not squares as the model was trained on."""
    contract, side = trained.contract, trained.model.input_shape[1]
    expected = {"image_size": contract.image_size, "resize": contract.resize}
    if not trained.named:
        expected = {"image_size": side} if side else {}
    for field, wanted in expected.items():
        got = getattr(dataset, field)
        if got != wanted:
            raise DataError(
                f"{dataset.source}: expected images of {field} {wanted!r}, as the "
                f"model takes them, got {got!r}. Load them with {field}={wanted!r}."
            )


def _seen_in_training(
    trained: Trained, dataset: Dataset, part: Part
) -> Mapping[str, int]:
    """Returns how many images of `part` the run had in which of its own parts."""
    if trained.run is None:
        return {"train": 0, "validation": 0}
    recorded = read_split(trained.run / "split.json")
    return find_again(part.index.names, dataset.split, recorded)


def _with_classes(dataset: Dataset, trained: Trained) -> Dataset:
    """Returns the data set with its classes numbered as the model numbers them."""
    known = trained.contract.class_names
    if not trained.named:
        if dataset.num_classes != len(known):
            raise DataError(
                f"{dataset.source}: has {dataset.num_classes} classes, the model has "
                f"{len(known)} outputs and no class names."
            )
        return dataset
    unknown = [name for name in dataset.class_names if name not in known]
    if unknown:
        raise DataError(
            f"{dataset.source}: classes {shortened(unknown)} are not among the model's "
            f"{len(known)} classes: {shortened(known)}. Rename the folders, or "
            "evaluate a model that was trained on these classes."
        )
    number = np.array([known.index(name) for name in dataset.class_names])

    def renumbered(part: Part | None) -> Part | None:
        if part is None:
            return None
        index = replace(part.index, labels=number[part.index.labels], class_names=known)
        return replace(part, index=index)

    return replace(
        dataset,
        class_names=known,
        train=renumbered(dataset.train),
        validation=renumbered(dataset.validation),
        test=renumbered(dataset.test),
    )


def _part(dataset: Dataset, name: str | None, own: bool) -> Part:
    there = [part.name for part in dataset.parts()]
    whole = not own and there == ["train"]
    if whole and name in (None, "all"):
        return replace(dataset.train, name="all")
    if name is None:
        name = "test" if "test" in there else "validation"
    part = dataset.part(name)
    if part is None:
        raise DataError(
            f"{dataset.source}: has no {name} part. Parts: {', '.join(there)}."
        )
    return part
