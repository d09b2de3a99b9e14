"""How many images of which class are in which part."""

from dataclasses import dataclass
from typing import Any, cast

from residency.report.run_folder import RunFolder

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """Images of one class in each part; `None` where the split does not say."""

    name: str
    counts: tuple[int | None, ...]


def data_counts(run: RunFolder) -> tuple[tuple[str, ...], list[ClassCounts]]:
    """Returns the parts of the split and, for each class, its images in each.

    `split.json` tells the part and the class of each sample under `"samples"`. A
    plain `"parts"` is understood too: a part as a number, as a list of names or as
    `{class: either}`. The last row is the sum.
    """
    parts = run.split.get("parts")
    if isinstance(run.split.get("samples"), dict):
        parts = _count_samples(run.split["samples"])
    if not isinstance(parts, dict):
        return (), []
    parts = cast("dict[str, Any]", parts)
    names = tuple(name for name in PARTS if name in parts)
    counts = [_part_counts(parts[name]) for name in names]
    found = dict.fromkeys(name for by_class, _ in counts for name in by_class)
    rows = [
        ClassCounts(name, tuple(by_class.get(name, 0) for by_class, _ in counts))
        for name in dict.fromkeys([*run.classes, *found])
        if found
    ]
    return names, [*rows, ClassCounts("all classes", tuple(n for _, n in counts))]


def _count_samples(samples: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Returns images by part and class; a sample is `[part, class, ...]`."""
    counted: dict[str, dict[str, int]] = {}
    for placed in samples.values():
        by_class = counted.setdefault(str(placed[0]), {})
        by_class[str(placed[1])] = by_class.get(str(placed[1]), 0) + 1
    return counted


def _part_counts(part: Any) -> tuple[dict[str, int], int | None]:
    """Returns images by class where known, and in all."""
    if isinstance(part, bool) or part is None:
        return {}, None
    if isinstance(part, int):
        return {}, part
    if isinstance(part, list):
        return {}, len(cast("list[Any]", part))
    if isinstance(part, dict):
        sizes = {
            name: size
            for name, value in cast("dict[str, Any]", part).items()
            if (size := _part_counts(value)[1]) is not None
        }
        return sizes, sum(sizes.values())
    return {}, None
