"""A trained model measured on labelled images, its own data's or others."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from residency.data import Data, Dataset, Part
from residency.data.index import shortened
from residency.data.sources.arrays import IN_MEMORY
from residency.data.sources.resolve import absolute
from residency.data.splits import find_again, read_split
from residency.engine.evaluation import evaluate as evaluate_network
from residency.engine.losses import Teacher
from residency.engine.network import Network
from residency.errors import DataError
from residency.records import Evaluation
from residency.run_folder import read_recipe
from residency.teacher import TEACHER, open_teacher
from residency.trained import Trained, open_trained

logger = logging.getLogger(__name__)


def evaluate(
    run_or_model: Any,
    data: Any = None,
    *,
    part: str | None = None,
    precision: str = "float32",
) -> Evaluation:
    """Measures a model on labelled images.

    Args:
        run_or_model: A `Run`, a run folder, a `.keras` file or a Keras model.
        data: What `residency.data.load` accepts, or a `Dataset`; `None` for the
            run's own data.
        part: `"train"`, `"validation"`, `"test"`, or `"all"` of a source without
            parts. `None`: the test part, else validation, else all images.
        precision: Of convolutions and products: `"float32"`, or, up to twice as fast
            where the processor multiplies in it, `"bfloat16"`.

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
        Network(trained.model, precision),
        dataset,
        chosen,
        used_for_choosing=seen["validation"] > 0,
        teacher=_teacher(trained, dataset),
    )


def _teacher(trained: Trained, dataset: Dataset) -> Teacher | None:
    """Returns the teacher of a run, while the run still keeps it."""
    if trained.run is None or not (trained.run / TEACHER).exists():
        return None
    return open_teacher(read_recipe(trained.run).loss, dataset, trained.run)


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
        raise DataError(
            "no data set: pass one as data (--data), or a run that knows its own."
        )
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
