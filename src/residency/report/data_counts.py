"""Images by part and class, from the recorded split."""

from dataclasses import dataclass
from typing import Any, cast

from residency.report.run_folder import RunFolder

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """One row: a class and its images in each part."""

    name: str
    counts: tuple[int, ...]


def data_counts(run: RunFolder) -> tuple[tuple[str, ...], list[ClassCounts]]:
    """Returns the parts of the split and, for each class, its images in each.

    `split.json` holds `{part: {class: {sample: bytes}}}` under `"samples"`. The last
    row is the sum. Nothing where the file is missing or of another form.
    """
    samples = run.split.get("samples")
    if not isinstance(samples, dict):
        return (), []
    samples = cast("dict[str, Any]", samples)
    parts = tuple(name for name in PARTS if isinstance(samples.get(name), dict))
    counts = [_class_counts(samples[part]) for part in parts]
    found = dict.fromkeys(name for by_class in counts for name in by_class)
    rows = [
        ClassCounts(name, tuple(by_class.get(name, 0) for by_class in counts))
        for name in dict.fromkeys([*run.classes, *found])
    ]
    total = tuple(sum(by_class.values()) for by_class in counts)
    return parts, [*rows, ClassCounts("all classes", total)]


def _class_counts(classes: dict[str, Any]) -> dict[str, int]:
    return {
        name: len(cast("dict[str, Any]", sizes))
        for name, sizes in classes.items()
        if isinstance(sizes, dict)
    }
