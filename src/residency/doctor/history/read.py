"""Reads curves from whatever a run left behind."""

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from residency.doctor.history.curves import Curves
from residency.errors import DataError
from residency.records import EpochRecord, epoch_from_json

NAMES = {
    "loss": ("loss", "train_loss", "epoch_loss", "loss/train"),
    "accuracy": (
        "accuracy",
        "acc",
        "train_accuracy",
        "train_acc",
        "epoch_accuracy",
        "accuracy/train_sample",
    ),
    "val_loss": (
        "val_loss",
        "validation_loss",
        "valid_loss",
        "test_loss",
        "loss/validation",
    ),
    "val_accuracy": (
        "val_accuracy",
        "val_acc",
        "validation_accuracy",
        "valid_acc",
        "accuracy/validation",
    ),
    "learning_rate": ("learning_rate", "lr", "step/learning_rate"),
}
"""Our names and those that Keras and its users write."""
ACCURACIES = ("categorical_accuracy", "sparse_categorical_accuracy", "binary_accuracy")
UNREADABLE = (AttributeError, LookupError, OSError, TypeError, ValueError, csv.Error)


def read_history(history: Any, *, num_classes: int | None = None) -> Curves:
    """Returns the curves of a run.

    Args:
        history: A run folder, a file of Keras' `CSVLogger`, a JSON file, a
            `metrics.jsonl`, a folder of TensorBoard event files, a Keras `History`, or
            its `history` dict.
        num_classes: Number of classes, where the source does not tell.

    Raises:
        DataError: Nothing there can be read as curves.

    Example:

    >>> read_history({"loss": [2.3, 1.1], "val_acc": [0.1, 0.6]}).val_accuracy
    (0.1, 0.6)
    """
    if isinstance(history, Curves):
        return history
    if isinstance(history, str | Path):
        return _path(Path(history), num_classes)
    recorded = getattr(history, "history", history)
    if not isinstance(recorded, Mapping):
        raise DataError(
            f"history: expected a path, a Keras History or a dict of curves, got "
            f"{type(history).__name__}."
        )
    planned = getattr(history, "params", None) or {}
    return _series(
        cast("Mapping[str, Any]", recorded),
        source="history",
        num_classes=num_classes,
        steps_per_epoch=planned.get("steps"),
        total_epochs=planned.get("epochs"),
    )


def _path(path: Path, num_classes: int | None) -> Curves:
    try:
        if path.is_dir() and (path / "metrics.jsonl").is_file():
            return _run_folder(path, num_classes)
        if path.is_dir():
            return _tensorboard(path, num_classes)
        if path.name == "metrics.jsonl":
            return _run_folder(path.parent, num_classes)
        if "tfevents" in path.name:
            return _tensorboard(path, num_classes)
        if path.suffix == ".json":
            given = json.loads(path.read_text(encoding="utf-8"))
            given = given.get("history", given)
        else:
            given = _csv(path)
        return _series(given, source=path.name, num_classes=num_classes)
    except UNREADABLE as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path}: expected a run folder, a CSV log, JSON or TensorBoard files "
            f"({type(error).__name__}: {error}). Pass what the run wrote."
        ) from error


def _csv(path: Path) -> dict[str, list[float]]:
    """Returns the columns of Keras' `CSVLogger`; of a repeated epoch the last."""
    text = path.read_text(encoding="utf-8")
    dialect = csv.Sniffer().sniff(text.splitlines()[0], delimiters=",;\t")
    rows = list(csv.DictReader(text.splitlines(), dialect=dialect))
    by_epoch = {row.get("epoch") or str(n): row for n, row in enumerate(rows)}
    columns = [name for name in rows[0] if name and name != "epoch"]
    ordered = by_epoch.values()
    return {name: [_number(row[name]) for row in ordered] for name in columns}


def _number(value: Any) -> float:
    """Returns a number; `nan` for an empty cell or a word."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _series(given: Mapping[str, Any], *, source: str, **known: Any) -> Curves:
    """Returns the curves under our names.

    Raises:
        DataError: There is no loss and no accuracy.
    """
    found: dict[str, tuple[float, ...]] = {}
    for name, others in NAMES.items():
        spelt = next((other for other in others if other in given), None)
        if spelt is None and name.endswith("accuracy"):
            prefix = name.removesuffix("accuracy")
            spelt = next(
                (f"{prefix}{a}" for a in ACCURACIES if f"{prefix}{a}" in given), None
            )
        if spelt is not None:
            found[name] = _accuracies(name, [_number(v) for v in _listed(given[spelt])])
    if not found.keys() - {"learning_rate"}:
        raise DataError(
            f"{source}: holds no loss and no accuracy, only "
            f"{', '.join(given) or 'nothing'}. "
            "Pass the history that fit returned, or a log with a column `loss`."
        )
    return Curves(source=source, **cast("dict[str, Any]", found), **known)


def _listed(values: Any) -> Iterable[Any]:
    return (
        values
        if isinstance(values, Sequence) and not isinstance(values, str)
        else [values]
    )


def _accuracies(name: str, values: list[float]) -> tuple[float, ...]:
    """Returns accuracies in `[0, 1]`, though some write them in per cent."""
    percent = name.endswith("accuracy") and any(value > 1.5 for value in values)
    return tuple(value / 100 for value in values) if percent else tuple(values)


def _run_folder(folder: Path, num_classes: int | None) -> Curves:
    text = (folder / "metrics.jsonl").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip()]
    by_epoch = {
        r.epoch: r for r in (epoch_from_json(json.loads(line)) for line in lines)
    }
    records = [by_epoch[epoch] for epoch in sorted(by_epoch)]
    classes = _json(folder / "classes.json", [])
    recipe = _json(folder / "recipe.json", {})
    first = records[0] if records else None
    held_out = first.validation_accuracy if first else None
    columns = _columns(records)
    if _loss(recipe).get("kind") == "Distillation":
        del columns["train_loss"]  # a cross-entropy: the loss trained on is another
    return Curves(
        source=folder.name,
        **columns,
        accuracy_is_clean=True,
        steps_per_epoch=first.step if first else None,
        train_count=first.train_accuracy.total if first else None,
        validation_count=held_out.total if held_out else None,
        num_classes=num_classes or len(classes) or None,
        kept_best=(folder / "best.keras").exists() or None,
        **_settings(recipe),
    )


def _columns(records: Sequence[EpochRecord]) -> dict[str, tuple[float, ...]]:
    held_out = bool(records) and records[0].validation_accuracy is not None
    columns = {
        "loss": [r.loss for r in records],
        "accuracy": [r.train_accuracy.rate for r in records],
        "train_loss": [r.train_loss for r in records],
        "learning_rate": [r.learning_rate for r in records],
    }
    if held_out:
        columns["val_loss"] = [_number(r.validation_loss) for r in records]
        columns["val_accuracy"] = [
            r.validation_accuracy.rate if r.validation_accuracy else math.nan
            for r in records
        ]
    return {name: tuple(values) for name, values in columns.items()}


def _settings(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a run's `recipe.json` says about length and promise."""
    values = recipe.get("values") or {}
    origin = recipe.get("origin") or {}
    claim = values.get("claim") or {}
    promised = claim.get("value")
    if promised is not None and "error" in str(claim.get("metric")):
        promised = 100 - promised
    return {
        "recipe": str(recipe.get("name", "")),
        "changed": tuple(sorted(path for path, by in origin.items() if by == "user")),
        "total_epochs": (values.get("schedule") or {}).get("total_epochs"),
        "claim_percent": promised,
        "label_smoothing": _loss(recipe).get("label_smoothing") or 0.0,
    }


def _loss(recipe: Mapping[str, Any]) -> Mapping[str, Any]:
    return (recipe.get("values") or {}).get("loss") or {}


def _json(path: Path, missing: Any) -> Any:
    """Returns the JSON file's value; `missing` where it is not there or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return missing


Scalars = list[tuple[int, float]]
"""Step and value of each event of one scalar."""


def _tensorboard(path: Path, num_classes: int | None) -> Curves:
    """Returns the scalars of event files; Keras writes `train` and `validation`."""
    given: dict[str, Scalars] = {}
    files = sorted(path.rglob("*tfevents*")) if path.is_dir() else [path]
    for folder in sorted({file.parent for file in files}):
        is_validation = folder.name.startswith(("val", "test"))
        inside = folder if path.is_dir() else path
        for name, values in _scalars(inside).items():
            plain = name.removeprefix("epoch_")
            outside = is_validation and not plain.startswith("val")
            given.setdefault(f"val_{plain}" if outside else plain, values)
    if not given:
        raise DataError(
            f"{path}: holds neither metrics.jsonl nor TensorBoard files. Pass the "
            "folder of a run, or its log."
        )
    epochs = next((given[n] for n in NAMES["loss"] if n in given), [])
    curves = {n: _at_epochs(v, [step for step, _ in epochs]) for n, v in given.items()}
    return _series(curves, source=path.name, num_classes=num_classes)


def _at_epochs(values: Scalars, steps: list[int]) -> list[float]:
    """Returns a scalar's value an epoch, of one that is written more often the last."""
    if len(values) <= len(steps) or not steps:
        return [value for _, value in values]
    return [
        next((v for s, v in reversed(values) if s <= end), math.nan) for end in steps
    ]


def _scalars(path: Path) -> dict[str, Scalars]:
    """Returns the events of each scalar of one folder, in order."""
    # late: the checks and the command line do without it
    from tensorboard.backend.event_processing import event_accumulator
    from tensorboard.util import tensor_util

    sizes = {"scalars": 0, "tensors": 0}
    events = event_accumulator.EventAccumulator(str(path), size_guidance=sizes)
    events.Reload()
    tags = events.Tags()
    found = {
        name: [(e.step, e.value) for e in events.Scalars(name)]
        for name in tags["scalars"]
    }
    for name in tags["tensors"]:  # as TensorFlow 2 writes scalars
        arrays = [
            (e.step, tensor_util.make_ndarray(e.tensor_proto))
            for e in events.Tensors(name)
        ]
        if all(getattr(array, "ndim", 1) == 0 for _, array in arrays):
            found[name] = [(step, _number(array)) for step, array in arrays]
    return found
