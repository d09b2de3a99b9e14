"""The run folder: what is written before the first step, and read at a resume."""

import json
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from residency.data import Dataset
from residency.data.index import shortened
from residency.data.splits import Split, compare
from residency.engine.distributed import Processes
from residency.engine.environment import describe_environment
from residency.errors import ConfigError, DataError, EngineError, ExportError
from residency.files import write_json
from residency.recipes import Recipe, Resolved
from residency.records import record_from_json, record_to_json

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

if TYPE_CHECKING:
    from residency.models import Contract
    from residency.models.weights import LoadReport

logger = logging.getLogger(__name__)

WEIGHTS = "weights.json"
TAKEN = (".", "..", "latest")  # `latest` leads to the newest run


def create_run_folder(
    out: Path,
    name: str | None,
    resolved: Resolved,
    dataset: Dataset,
    load: "LoadReport | None" = None,
) -> Path:
    """Makes a new folder in `out` and records recipe, machine, classes and split.

    Args:
        out: Parent of all run folders; made if missing.
        name: Name of the folder; `None` for time and recipe.
        resolved: The recipe with the origin of each value.
        dataset: The data set as it was split.
        load: What became of each layer, where trained weights were loaded.

    Raises:
        ConfigError: As `require_free`.
        ExportError: A run of that name exists, or `out` cannot be written.
    """
    require_free(out, name)
    folder = out / name if name else _new_folder(out, resolved.recipe.name)
    write_json(folder / "recipe.json", resolved.to_json())
    write_json(folder / "environment.json", describe_environment())
    write_json(folder / "classes.json", list(dataset.class_names))
    write_json(folder / "split.json", dataset.split.to_json())
    write_json(folder / "quarantine.json", record_to_json(dataset.quarantined))
    if load is not None:
        write_json(folder / WEIGHTS, record_to_json(load))
    _point_latest(out, folder)
    return folder


def require_free(out: Path, name: str | None) -> None:
    """Raises an error unless a run called `name` can be made in `out`; makes nothing.

    Raises:
        ConfigError: `name` is no plain folder name.
        ExportError: A run of that name exists, or `out` cannot be written.
    """
    if name is not None and (not re.fullmatch(r"[^/\\\0]+", name) or name in TAKEN):
        raise ConfigError(
            f"name: expected a plain folder name, such as first-try, got {name!r}. "
            "The folder it is made in is `out`."
        )
    if name is not None and is_run_folder(out / name):
        raise ExportError(
            f"{out / name}: holds a run already. Go on with it by `residency resume "
            f"{out / name}`, or choose another name."
        )
    there = next(p for p in (out, *out.absolute().parents) if os.path.exists(p))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        reason = "you may not write there" if there.is_dir() else "a file"
        raise ExportError(
            f"{out}: cannot be written ({there}: {reason}). Choose another folder with "
            "--out."
        )


def _new_folder(out: Path, recipe: str) -> Path:
    """Makes and returns a folder named by time and recipe, numbered if need be."""
    plain = re.sub(r"[^A-Za-z0-9_.]+", "-", recipe)
    started = f"{time.strftime('%Y%m%d-%H%M%S')}-{plain}"
    folder, number = out / started, 1
    while True:
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:  # another run began in the same second
            number += 1
            folder = out / f"{started}-{number}"
        except OSError as error:
            raise ExportError(
                f"{folder}: cannot be made ({error.strerror}). "
                "Choose another folder with --out."
            ) from error


def is_run_folder(path: Path) -> bool:
    """Tells whether a run was started in the folder `path`."""
    return (path / "recipe.json").is_file()


def itself(folder: Path) -> Path:
    """Returns the folder that a link such as `runs/latest` leads to now.

    >>> itself(Path("runs/first"))
    PosixPath('runs/first')
    """
    return folder.parent / folder.readlink() if folder.is_symlink() else folder


@contextmanager
def occupied(folder: Path, processes: Processes) -> Iterator[None]:
    """Keeps the first of other trainings out of a run folder.

    The system forgets the lock with the process, however that ends.

    Raises:
        EngineError: Another training is going on in it.
    """
    if fcntl is None or not processes.first:
        yield
        return
    try:
        lock = open(folder / ".lock", "wb")  # noqa: SIM115
    except OSError as error:
        raise ExportError(
            f"{folder}: cannot be written ({error.strerror}), so nothing trains there."
        ) from error
    with lock as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EngineError(
                f"{folder}: another process trains in this run. Wait until it ends, or "
                "stop it."
            ) from error
        except OSError:  # a file system without locks
            logger.debug("%s: cannot be locked", folder)
        yield


def read_recipe(folder: Path) -> Recipe:
    """Returns the recipe that a run was started with.

    Raises:
        EngineError: The folder holds no run.
        ConfigError: The recipe was written by another version and no longer fits.
    """
    value = _read(folder, "recipe.json")
    try:
        return Resolved.from_json(value).recipe
    except (AttributeError, KeyError, TypeError) as error:
        raise EngineError(f"{folder}: its recipe.json holds no recipe.") from error


def read_load_report(folder: Path) -> "LoadReport | None":
    """Returns what became of each layer; `None`: the run began with random weights.

    A file that cannot be read is no more than a warning: no training needs it.
    """
    from residency.models.weights import LoadReport  # late: imports Keras

    if not (folder / WEIGHTS).exists():
        return None
    try:
        return record_from_json(LoadReport, _read(folder, WEIGHTS))
    except (EngineError, KeyError, TypeError, ValueError):
        logger.warning("%s cannot be read, and is left out", folder / WEIGHTS)
        return None


def read_cache(folder: Path) -> Literal["memory", "stream"] | None:
    """Returns where a run keeps its images; `None`: its plan does not say.

    A broken image is met when it is decoded, so with another cache it would be left out
    at another moment, and the order of the others would change.
    """
    try:
        cache = _read(folder, "plan.json")["cache"]
    except (EngineError, KeyError, TypeError):  # stopped before its plan, or damaged
        return None
    return cache if cache in ("memory", "stream") else None


def require_same_data(
    folder: Path, recorded: Split, contract: "Contract | None", dataset: Dataset
) -> None:
    """Raises `DataError` unless a run in `folder` would see the images it began with.

    The same images by name, class and content (see `Index.stamps`), each in its part,
    framed alike.
    """
    for field in ("class_names", "image_size", "resize"):
        was, now = getattr(contract, field, None), getattr(dataset, field)
        if was != now:
            raise DataError(
                f"{dataset.source}: the run {folder} began with {field} "
                f"{_short(was)}, these data have {_short(now)}. Load them as then."
            )
    changes = compare(recorded, dataset.split)
    if changes:
        raise DataError(
            f"{dataset.source}: the data changed since the run {folder} began: "
            f"{changes}. Put them back to resume, or start a new run."
        )
    now = dataset.split.samples
    then = recorded.samples
    moved = [name for name in then if now[name].part != then[name].part]
    if moved:
        raise DataError(
            f"{dataset.source}: {len(moved):,} of {len(then):,} images "
            f"({shortened(moved, 3)}) are in another part than when the run {folder} "
            f"began. Load them with split_file={str(folder / 'split.json')!r}."
        )


def _short(value: Any) -> str:
    return shortened(value) if isinstance(value, tuple) else str(value)


def _read(folder: Path, name: str) -> Any:
    try:
        return json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
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
