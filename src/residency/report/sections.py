"""What each section of the page says, as plain values for the template."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from residency.records import ClassScore, Evaluation, Proportion
from residency.report.history import best_epoch
from residency.report.run_folder import RunFolder

PARTS = ("train", "validation", "test")
WEAK_F1 = 0.75  # of the mean F1: below it, or among the worst three, a class is marked


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of the resolved recipe."""

    path: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class ClaimBeside:
    """The paper's number and ours."""

    said: str
    """Such as `"8.75 % error (table 6)"`."""
    measured: str
    part: str
    verdict: str


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """Images of one class in each part; `None` where the split does not say."""

    name: str
    counts: tuple[int | None, ...]


def headline(run: RunFolder) -> Evaluation | None:
    """Returns the evaluation to quote: test, else validation, else the first."""
    by_part = {evaluation.part: evaluation for evaluation in run.evaluations}
    for part in ("test", "validation"):
        if part in by_part:
            return by_part[part]
    return next(iter(run.evaluations), None)


def caveats(run: RunFolder) -> list[str]:
    """Returns what a reader must know before quoting a number."""
    told: list[str] = []
    quoted = headline(run)
    best = best_epoch(run.history)
    if quoted is None:
        told.append(
            "There is no evaluation yet: the run is unfinished or was stopped. "
            "The numbers below are those of its epochs."
        )
        if best and best.validation_accuracy:
            told.append(
                f"Best epoch so far: {best.epoch}, validation accuracy "
                f"{best.validation_accuracy}. It was picked for being the highest, "
                "so it is optimistic."
            )
    elif quoted.part == "train":
        told.append(
            "Only the training images were measured. This says how well the model "
            "remembers, not how well it does on new images."
        )
    elif quoted.used_for_choosing:
        told.append(
            f"The {quoted.part} images were used for choosing the best epoch or a "
            "setting, so this figure is optimistic. Hold out a test part for a "
            "figure to quote."
        )
    elif any(e.used_for_choosing for e in run.evaluations):
        told.append(
            f"Quote the {quoted.part} figure: the others were used for choosing."
        )
    if quoted and quoted.accuracy.total < 1000:
        low, high = quoted.accuracy.interval
        told.append(
            f"Measured on {quoted.accuracy.total:,} images: two models whose accuracy "
            f"differs by less than about {100 * (high - low) / 2:.1f} points cannot "
            "be told apart with them."
        )
    if any(not math.isfinite(record.loss) for record in run.history):
        told.append("The training loss stopped being a number: the run diverged.")
    return told


def claim_beside(run: RunFolder) -> ClaimBeside | None:
    """Returns the paper's claim and the same quantity as measured."""
    claim = run.recipe.get("claim")
    quoted = headline(run)
    if not isinstance(claim, dict) or quoted is None:
        return None
    claim = cast("dict[str, Any]", claim)
    metric, value = str(claim.get("metric", "")), claim.get("value")
    measured = _measured(metric, quoted)
    if measured is None or not isinstance(value, int | float):
        return None
    low, high = sorted(measured[1])
    source = claim.get("source")
    return ClaimBeside(
        said=f"{value:g} {_unit(metric)}" + (f" ({source})" if source else ""),
        measured=f"{measured[0]:.2f} {_unit(metric)} (95 % interval "
        f"{low:.2f} to {high:.2f})",
        part=quoted.part,
        verdict="the claim lies within the interval"
        if low <= value <= high
        else "the claim lies outside the interval",
    )


def _measured(
    metric: str, evaluation: Evaluation
) -> tuple[float, tuple[float, float]] | None:
    share = evaluation.top5 if "top5" in metric else evaluation.accuracy
    if share is None:
        return None
    scale = 100.0 if metric.endswith("percent") else 1.0
    low, high = share.interval
    if "error" in metric:
        return scale * (1 - share.rate), (scale * (1 - high), scale * (1 - low))
    if "accuracy" in metric:
        return scale * share.rate, (scale * low, scale * high)
    return None


def _unit(metric: str) -> str:
    words = metric.removesuffix("_percent").removesuffix("_rate").replace("_", " ")
    return f"% {words}" if metric.endswith("percent") else words


def weak_classes(scores: Sequence[ClassScore]) -> frozenset[str]:
    """Returns the names to mark in the table: the worst three that are behind."""
    if len(scores) < 3:
        return frozenset()
    mean = sum(s.f1 for s in scores) / len(scores)
    spread = math.sqrt(sum((s.f1 - mean) ** 2 for s in scores) / len(scores))
    behind = [s for s in scores if s.f1 < mean - spread or s.f1 < WEAK_F1 * mean]
    worst = sorted(behind, key=lambda s: s.f1)[: max(3, len(scores) // 10)]
    return frozenset(s.name for s in worst)


def data_counts(run: RunFolder) -> tuple[tuple[str, ...], list[ClassCounts]]:
    """Returns the parts of the split and, for each class, its images in each.

    `split.json` may give a part as a number, as `{class: number}`, as
    `{class: [names]}` or as a list of names; the last row is the sum.
    """
    parts = run.split.get("parts", run.split)
    if not isinstance(parts, dict):
        return (), []
    parts = cast("dict[str, Any]", parts)
    names = tuple(p for p in PARTS if p in parts)
    counts = [_part_counts(parts[name]) for name in names]
    classes = run.classes or tuple(dict.fromkeys(c for part in counts for c in part[0]))
    rows = [
        ClassCounts(name, tuple(part[0].get(name) for part in counts))
        for name in classes
        if any(name in part[0] for part in counts)
    ]
    return names, [*rows, ClassCounts("all classes", tuple(p[1] for p in counts))]


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


def settings(run: RunFolder) -> tuple[list[Setting], list[Setting]]:
    """Returns the settings that were chosen, and those left at their default.

    What the command line set comes first, then what the recipe says.
    """
    origins = run.recipe.get("origin")
    known = cast("dict[str, Any]", origins) if isinstance(origins, dict) else {}
    found = [
        Setting(path, value, str(known.get(path, "default")))
        for path, value in _leaves(run.recipe.get("values", {}), "")
    ]
    chosen = [s for s in found if s.origin != "default"]
    order = {"command line": 0}
    return (
        sorted(chosen, key=lambda s: order.get(s.origin, 1)),
        [s for s in found if s.origin == "default"],
    )


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yields `(dotted path, text)`; a list of plain values is one leaf."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value)
    elif isinstance(value, list) and any(
        isinstance(item, dict) for item in cast("list[Any]", value)
    ):
        items = {str(i): item for i, item in enumerate(cast("list[Any]", value))}
    else:
        yield path, in_words(value)
        return
    for name, item in items.items():
        yield from _leaves(item, f"{path}.{name}" if path else name)


def in_words(value: Any) -> str:
    """Returns a JSON value as a person writes it.

    Example:

    >>> in_words([32000, 48000]), in_words(None), in_words(True)
    ('32000, 48000', 'none', 'yes')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(in_words(item) for item in cast("list[Any]", value)) or "none"
    return str(value)


def schedule(run: RunFolder) -> list[tuple[str, str]]:
    """Returns how long the run took and how the learning rate went."""
    if not run.history:
        return []
    last = run.history[-1]
    rates = [record.learning_rate for record in run.history]
    seconds = sum(record.seconds for record in run.history)
    speed = sorted(record.images_per_second for record in run.history)
    return [
        ("epochs finished", f"{last.epoch:,}"),
        ("steps", f"{last.step:,}"),
        ("learning rate", f"{rates[0]:g} at first, {rates[-1]:g} at the end"),
        ("time", duration(seconds)),
        ("speed", f"{speed[len(speed) // 2]:,.0f} images per second (median epoch)"),
    ]


def duration(seconds: float) -> str:
    """Returns a time in words.

    Example:

    >>> duration(42.4), duration(3725)
    ('42 s', '1 h 2 min')
    """
    if not math.isfinite(seconds) or seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return (
        f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    )


def environment(run: RunFolder) -> list[tuple[str, str]]:
    """Returns the environment as rows, nested names joined with dots."""
    return list(_leaves(run.environment, ""))


def percent(share: float, digits: int = 1) -> str:
    """Returns a share in `[0, 1]` as a percentage without its sign.

    Example:

    >>> percent(0.938)
    '93.8'
    """
    return f"{100 * share:.{digits}f}" if math.isfinite(share) else "n/a"


def interval(share: Proportion) -> str:
    """Returns a proportion's 95 % interval in percent, in words."""
    low, high = share.interval
    return f"{percent(low)} to {percent(high)} %"
