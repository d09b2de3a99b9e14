"""The settings of a run, each with where it came from, and other nested values."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from residency.report.run_folder import RunFolder

SHOWN_ELSEWHERE = ("name", "claim")
FIRST = ("user", "command line")  # what the user set stands before the recipe's


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of the resolved recipe."""

    path: str
    value: str
    origin: str


def settings(run: RunFolder) -> tuple[list[Setting], list[Setting]]:
    """Returns the settings that were chosen, and those left at their default.

    What the user set comes first, then what the recipe says.
    """
    origins = run.recipe.get("origin")
    known = cast("dict[str, Any]", origins) if isinstance(origins, dict) else {}
    found = [
        Setting(path, text, str(known.get(path, "default")))
        for path, text in leaves(run.settings)
        if path.split(".")[0] not in SHOWN_ELSEWHERE
    ]
    chosen = [s for s in found if s.origin != "default"]
    return (
        sorted(chosen, key=lambda s: s.origin not in FIRST),
        [s for s in found if s.origin == "default"],
    )


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yields `(dotted path, text)` of nested JSON; a list of scalars is one leaf.

    The class of an object stands at the path of the object itself.
    """
    if isinstance(value, dict) and value:
        items = cast("dict[str, Any]", value)
    elif isinstance(value, list) and any(
        isinstance(item, dict) for item in cast("list[Any]", value)
    ):
        items = {str(i): item for i, item in enumerate(cast("list[Any]", value))}
    else:
        if path:
            yield path, in_words(value)
        return
    for name, item in items.items():
        if name != "kind":
            yield from leaves(item, f"{path}.{name}" if path else name)
        elif path:
            yield path, in_words(item)


def in_words(value: Any) -> str:
    """Returns a JSON value as a person writes it.

    Example:

    >>> in_words([32000, 48000]), in_words(None), in_words(True)
    ('32000, 48000', 'none', 'yes')
    """
    if value is None or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(in_words(item) for item in cast("list[Any]", value)) or "none"
    return str(value)
