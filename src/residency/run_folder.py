"""The run folder: what is written before the first step, and read at a resume."""

import json
import os
import re
import time
from pathlib import Path
from typing import Any

from residency.data import Dataset
from residency.data.splits import Split, compare
from residency.environment import describe_environment
from residency.errors import DataError, EngineError, ExportError
from residency.files import write_json
from residency.recipes import Recipe, Resolved
from residency.records import record_to_json


def create_run_folder(
    out: Path, name: str | None, resolved: Resolved, dataset: Dataset
) -> Path:
    """Makes a new folder in `out` and records recipe, machine, classes and split.

    Args:
        out: Parent of all run folders; made if missing.
        name: Name of the folder; `None` for time and recipe.
        resolved: The recipe with the origin of each value.
        dataset: The data set as it was split.

    Raises:
        ExportError: A run of that name exists, or `out` cannot be written.
    """
    recipe = re.sub(r"[^A-Za-z0-9_.]+", "-", resolved.recipe.name)
    folder = out / (name or f"{time.strftime('%Y%m%d-%H%M%S')}-{recipe}")
    if (folder / "recipe.json").exists():
        raise ExportError(
            f"{folder}: holds a run already. Go on with it by `residency resume "
            f"{folder}`, or choose another name."
        )
    write_json(folder / "recipe.json", resolved.to_json())
    write_json(folder / "environment.json", describe_environment())
    write_json(folder / "classes.json", list(dataset.class_names))
    write_json(folder / "split.json", dataset.split.to_json())
    write_json(folder / "quarantine.json", record_to_json(dataset.quarantined))
    _point_latest(out, folder)
    return folder


def is_run_folder(path: Path) -> bool:
    """Tells whether a run was started in the folder `path`."""
    return (path / "recipe.json").is_file()


def read_recipe(folder: Path) -> Recipe:
    """Returns the recipe that a run was started with.

    Raises:
        EngineError: The folder holds no run.
        ConfigError: The recipe was written by another version and no longer fits.
    """
    return Resolved.from_json(_read(folder, "recipe.json")).recipe


def require_same_data(folder: Path, recorded: Split, dataset: Dataset) -> None:
    """Raises `DataError` saying what changed since the run in `folder` began."""
    changes = compare(recorded, dataset.split)
    if changes:
        raise DataError(
            f"{dataset.source}: the data changed since the run {folder} began: "
            f"{changes}. Put them back to resume, or start a new run."
        )


def _read(folder: Path, name: str) -> Any:
    try:
        return json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(
            f"{folder}: is no run folder, as it has no readable {name}. "
            "Pass the folder that `residency train` printed."
        ) from error


def _point_latest(out: Path, folder: Path) -> None:
    """Makes `out/latest` lead to the new run, where the system has links."""
    link = out / "latest"
    temporary = out / f".latest.{os.getpid()}"
    if link.exists() and not link.is_symlink():
        return
    try:
        temporary.symlink_to(folder.name, target_is_directory=True)
        temporary.replace(link)
    except OSError:  # no links on this file system: a comfort, not a need
        temporary.unlink(missing_ok=True)
