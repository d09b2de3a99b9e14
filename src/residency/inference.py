"""A trained model on other images: evaluate a labelled set, predict files."""

import glob
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from residency.data import Data, Dataset, Part
from residency.data.decode import decode
from residency.data.index import shortened
from residency.data.resize import resize
from residency.data.sources.image_files import IMAGE_EXTENSIONS
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


def open_trained(run_or_model: Any) -> Trained:
    """Returns the model of a run, a run folder, a `.keras` file or a Keras model.

    A run gives its best model. A file without class names gives their numbers.

    Raises:
        ExportError: There is no such file, or it is no model.
    """
    if isinstance(run_or_model, Run):
        run_or_model = run_or_model.folder
    if isinstance(run_or_model, keras.Model):
        return Trained(run_or_model, _bare_contract(run_or_model), None)
    path = Path(run_or_model)
    run = next((p for p in (path, path.parent) if is_run_folder(p)), None)
    if path == run:
        path = path / "best.keras"
        if not path.exists():
            path = path.with_name("last.keras")
    model, contract = load_model(path)
    if contract is None:
        contract = _bare_contract(model)
        logger.warning(
            "%s holds no class names; predictions are class numbers, images are "
            "resized to %d pixels",
            path,
            contract.image_size,
        )
    return Trained(model, contract, run)


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
        DataError: The classes are not the model's, or there is no such part.

    The run's own data are split as in training; other data without parts are
    measured whole.
    """
    trained = open_trained(run_or_model)
    dataset, own = _dataset(trained, data)
    dataset = _with_classes(dataset, trained.contract)
    chosen = _part(dataset, part, own)
    return evaluate_network(
        Network(trained.model),
        dataset,
        chosen,
        used_for_choosing=own and chosen.name == "validation",
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
        DataError: A path leads to no image.
    """
    trained = open_trained(run_or_model)
    names = trained.contract.class_names
    network = Network(trained.model)
    found: list[Prediction] = []
    broken: list[Quarantined] = []
    for files, images in _framed(list_images(paths), trained.contract, broken):
        truth = [f.parent.name if f.parent.name in names else None for f in files]
        given = probabilities(network, np.stack(images))
        found += predictions([str(f) for f in files], given, names, truth)
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
        path = Path(given)
        matches = [path] if path.exists() else map(Path, sorted(glob.glob(str(given))))
        files = [file for match in matches for file in _files(match)]
        if not files:
            raise DataError(
                f"{given}: no image is there. Expected an image file, a folder with "
                "images or a pattern such as 'photos/*.jpg'."
            )
        found += files
    return found


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    inside = sorted(path.rglob("*"))
    return [f for f in inside if f.suffix.lower() in IMAGE_EXTENSIONS]


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
    return Contract(class_names=numbers, image_size=size)


def _dataset(trained: Trained, data: Any) -> tuple[Dataset, bool]:
    """Returns the data set and whether it is split as in the model's training."""
    if isinstance(data, Dataset):
        return data, False
    contract = trained.contract
    if trained.run is not None:
        settings = read_recipe(trained.run).data
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
    if str(data) == recorded:
        return True
    a, b = Path(str(data)), Path(recorded)
    return a.exists() and b.exists() and a.resolve() == b.resolve()


def _with_classes(dataset: Dataset, contract: Contract) -> Dataset:
    """Returns the data set with its classes numbered as the model numbers them."""
    known = contract.class_names
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
