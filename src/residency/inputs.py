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
from residency.engine.progress import decoding_progress
from residency.errors import EngineError
from residency.models import Model
from residency.models.preprocessing import PREPROCESSINGS

import keras  # isort: skip  the backend was chosen when residency.engine was imported


def data_changes(data: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the user's changes, with those before them that the data decide.

    Paths become absolute: the recorded recipe is read from other folders too.
    """
    all_changes = {**_decided_by(data), **changes}
    source = all_changes.get("data.source")
    if isinstance(source, str | Path):
        all_changes["data.source"] = absolute(source)
    return all_changes


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
    if model.preprocessing in PREPROCESSINGS:
        return None
    return measure_statistics(
        dataset.train, with_mean_image=model.preprocessing == "mean_image"
    )


def loader_processes(dataset: Dataset, workers: int | None) -> int:
    """Returns the processes that make batches: none for images kept in memory."""
    if not isinstance(dataset.train.frames, StreamFrames):
        return 0
    return workers or max(1, (os.cpu_count() or 2) - 1)


def require_fit(model: keras.Model, dataset: Dataset) -> None:
    """Raises `EngineError` if the model cannot take or name these images."""
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
    outputs = model.output_shape[-1]
    if outputs != dataset.num_classes:
        raise EngineError(
            f"model {model.name!r} has {outputs} outputs, {dataset.source} has "
            f"{dataset.num_classes} classes. Build it with "
            f"num_classes={dataset.num_classes}."
        )
