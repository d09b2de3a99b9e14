"""What the user gave, in any form: data to a data set, checked with the model."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from residency.data import Data, Dataset
from residency.data.frames import StreamFrames
from residency.data.sources.arrays import IN_MEMORY
from residency.data.sources.resolve import absolute
from residency.data.splits import Split
from residency.data.statistics import Statistics, measure_statistics
from residency.engine.distributed import Processes
from residency.engine.precision import require_precision
from residency.engine.progress import decoding_progress
from residency.errors import ConfigError, DataError, EngineError
from residency.models import Model, OwnModel
from residency.models.section import MEASURED

import keras  # isort: skip  the backend was chosen when residency.engine was imported


PATHS = ("data.source", "model.weights", "loss.teacher")
"""Settings that may be paths."""


def data_changes(data: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the user's changes, with those before them that the data decide.

    Paths become absolute: the recorded recipe is read from other folders too.
    """
    all_changes = {**_decided_by(data), **changes}
    for path in PATHS:
        if isinstance(all_changes.get(path), str | Path):
            all_changes[path] = absolute(all_changes[path])
    if isinstance(split := all_changes.get("data.split_file"), str | Path):
        all_changes["data.split_file"] = os.path.abspath(split)
    if "loss.teacher" in all_changes:  # `runs/latest` is another run from now on
        all_changes["loss.teacher"] = os.path.realpath(all_changes["loss.teacher"])
    return all_changes


def model_changes(model: Any) -> dict[str, Any]:
    """Returns the change that a model, or the name of one, makes to a recipe."""
    if isinstance(model, str):
        return {"model.name": model}
    if isinstance(model, keras.Model):
        return {"model": OwnModel(name=model.name)}
    return {}


def require_model(named: Model | OwnModel, given: Any) -> None:
    """Raises `ConfigError` for a recipe of a caller's own model without that model."""
    if isinstance(named, OwnModel) and not isinstance(given, keras.Model):
        raise ConfigError(
            "model: OwnModel stands for a Keras model that is given to "
            "residency.train. Name one of the catalog: --model resnet50."
        )


def dotted(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings by path: Python's arguments have `__` for the dot."""
    return {path.replace("__", "."): value for path, value in overrides.items()}


def _decided_by(data: Any) -> dict[str, Any]:
    if isinstance(data, str | Path):
        return {"data.source": data}
    if isinstance(data, Dataset):
        return {
            "data.source": data.source,
            "data.image_size": data.image_size,
            "data.resize": data.resize,
            "data.classes": data.class_names,
        }
    return {} if data is None else {"data.source": IN_MEMORY}


def open_data(data: Any, settings: Data, progress: bool) -> Dataset:
    if not isinstance(data, Dataset):
        source = None if isinstance(data, str | Path) else data
        return build_data(settings, source, progress)
    if settings.keeps_full and data.source != IN_MEMORY:
        # The recipe crops from whole photos; those given were framed already.
        return build_data(settings, None, progress, data.split)
    return data


def reopen_data(
    folder: Path, settings: Data, data: Any, split: Split, progress: bool
) -> Dataset:
    """Returns the data set of a run: the one given, or what its source holds now."""
    if settings.source in (None, IN_MEMORY) and data is None:
        raise EngineError(
            f"{folder}: was trained on arrays in memory, which no path leads to. Pass "
            "the same data set: residency.resume(run, data=...)."
        )
    if data is None:
        return build_data(settings, None, progress, split)
    if not isinstance(data, Dataset):
        raise DataError(
            f"resume: expected data as residency.data.load returns it, got "
            f"{type(data).__name__}."
        )
    return open_data(data, settings, progress)


def build_data(
    settings: Data, source: Any, progress: bool, recorded: Split | None = None
) -> Dataset:
    if not progress:
        return settings.build(source, recorded=recorded)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    with decoding_progress(console) as show:
        return settings.build(
            source, progress=show, recorded=recorded, announce=console.print
        )


def statistics_for(model: Model, dataset: Dataset) -> Statistics | None:
    """Measures what the model's preprocessing needs; nothing for a constant one."""
    if model.pixels not in MEASURED:
        return None
    return measure_statistics(
        dataset.train, with_mean_image=model.pixels == "mean_image"
    )


def loader_processes(dataset: Dataset, workers: int | None, cores: int) -> int:
    """Returns the processes that make batches: none for images kept in memory.

    Args:
        dataset: To be trained on.
        workers: The user's wish; `None`: one core is left over for training.
        cores: CPU cores that may be used.
    """
    if not isinstance(dataset.train.frames, StreamFrames):
        return 0
    return workers or max(1, cores - 1)


def require_same_images(dataset: Dataset, processes: Processes) -> None:
    """Raises `EngineError` unless all processes train on as many images.

    Each decides by the memory it finds whether to keep them decoded, and finds broken
    ones at once or when it meets them.
    """
    seen = processes.gather((len(dataset.train), dataset.memory))
    if len({images for images, _ in seen}) > 1:
        told = "; ".join(f"rank {k}: {memory}" for k, (_, memory) in enumerate(seen))
        raise EngineError(
            f"{dataset.source}: the processes do not see the same images ({told}). "
            "Give all of them the same files, and pass --set data.cache=stream."
        )


def require_fit(model: keras.Model, dataset: Dataset, precision: str) -> None:
    """Raises `EngineError` if the model cannot take or name these images.

    Nor must it be on a device that has not the precision.
    """
    if not isinstance(getattr(model, "inputs", None), list):
        raise EngineError(
            f"model {model.name!r} does not say what it takes, as it is not built. "
            "Start it with keras.Input(shape), or make it a functional model."
        )
    size = dataset.image_size
    wanted = tuple(model.input_shape[1:])
    if any(a not in (None, b) for a, b in zip(wanted, (size, size, 3), strict=True)):
        raise EngineError(
            f"model {model.name!r} takes images of {wanted}, the data set gives "
            f"({size}, {size}, 3). Load the data with image_size={wanted[0]}."
        )
    require_precision(precision, model.variables[0].value.device)
    outputs = model.output_shape[-1]
    one_for_two = outputs == 1 and dataset.num_classes == 2
    if outputs != dataset.num_classes and not one_for_two:
        raise EngineError(
            f"model {model.name!r} has {outputs} outputs, {dataset.source} has "
            f"{dataset.num_classes} classes. Build it with "
            f"num_classes={dataset.num_classes}."
        )
