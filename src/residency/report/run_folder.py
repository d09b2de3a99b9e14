"""A run folder as it stands on disk: finished, half finished or damaged.

Reading never fails for what is missing: a report of an unfinished run must say
so, not crash. What was there but could not be read is told in `problems`.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from residency.errors import DataError
from residency.records import (
    EpochRecord,
    Evaluation,
    Quarantined,
    epoch_from_json,
    evaluation_from_json,
    record_from_json,
)

T = TypeVar("T")

UNREADABLE = (AttributeError, KeyError, OSError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """What a run has written so far; empty or `None` where it has not."""

    path: Path
    recipe: dict[str, Any]
    """`name`, `values`, `origin` and `claim`, as `recipe.json` has them."""
    environment: dict[str, Any]
    classes: tuple[str, ...]
    split: dict[str, Any]
    history: tuple[EpochRecord, ...]
    evaluations: tuple[Evaluation, ...]
    finished: bool
    """The evaluation can be read; it is empty where nothing was held out."""
    quarantined: tuple[Quarantined, ...]
    figures: dict[str, Path]
    """By name without suffix, such as `"curves"`."""
    problems: tuple[str, ...]
    """One sentence for each file that is there and cannot be read."""

    @property
    def settings(self) -> dict[str, Any]:
        """The nested settings of the recipe, empty if there are none."""
        values = self.recipe.get("values")
        return cast("dict[str, Any]", values) if isinstance(values, dict) else {}


def read_run_folder(path: Path) -> RunFolder:
    """Returns everything a run folder holds.

    Args:
        path: The folder that `train` wrote.

    Returns:
        What could be read.

    Raises:
        DataError: There is no such folder.
    """
    if not path.is_dir():
        raise DataError(
            f"{path}: expected the folder of a run, found none. "
            "Its path was printed when the training started."
        )
    reader = _Reader(path, [])
    recipe = reader.read("recipe.json", _object, {})
    evaluations = reader.read("evaluation.json", _evaluations, None)
    return RunFolder(
        path=path,
        recipe=recipe,
        environment=reader.read("environment.json", _object, {}),
        classes=reader.read("classes.json", _names, ()),
        split=reader.read("split.json", _object, {}),
        history=reader.history(),
        evaluations=evaluations or (),
        finished=evaluations is not None,
        quarantined=reader.read("quarantine.json", _quarantined, ()),
        figures=dict(_figures(path / "figures")),
        problems=tuple(reader.problems),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    folder: Path
    problems: list[str]

    def read(self, name: str, convert: Callable[[Any], T], missing: T) -> T:
        """Returns the converted JSON file, `missing` if it is not there."""
        file = self.folder / name
        if not file.exists():
            return missing
        try:
            return convert(json.loads(file.read_text(encoding="utf-8")))
        except UNREADABLE as error:
            self.problems.append(_problem(name, error))
            return missing

    def history(self) -> tuple[EpochRecord, ...]:
        """Returns the epochs in order; a repeated one counts as last written."""
        try:
            text = (self.folder / "metrics.jsonl").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ()
        except UNREADABLE as error:
            self.problems.append(_problem("metrics.jsonl", error))
            return ()
        records: dict[int, EpochRecord] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                record = epoch_from_json(json.loads(line))
            except UNREADABLE as error:
                self.problems.append(_problem(f"metrics.jsonl, line {number}", error))
                continue
            records[record.epoch] = record
        return tuple(records[epoch] for epoch in sorted(records))


def _problem(name: str, error: Exception) -> str:
    reason = f"{type(error).__name__}: {error}"
    return f"{name} cannot be read and is left out ({reason})."


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, got {type(value).__name__}")
    return cast("dict[str, Any]", value)


def _names(value: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in value)


def _evaluations(value: Any) -> tuple[Evaluation, ...]:
    return tuple(evaluation_from_json(item) for item in value)


def _quarantined(value: Any) -> tuple[Quarantined, ...]:
    return tuple(record_from_json(Quarantined, item) for item in value)


def _figures(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yields the figures by name; an SVG is taken before a PNG."""
    for suffix in (".png", ".svg"):
        for file in sorted(folder.glob(f"*{suffix}")):
            yield file.stem, file
