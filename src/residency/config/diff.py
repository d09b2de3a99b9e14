"""Where two configs differ."""

from dataclasses import dataclass
from typing import Any

from residency.config.codec import leaves


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that two configs do not share; `None` where one lacks it."""

    path: str
    left: Any
    right: Any


def diff(left: Any, right: Any) -> tuple[Difference, ...]:
    """Returns the settings that differ, by path, in the order of `left`."""
    a, b = leaves(left), leaves(right)
    return tuple(
        Difference(path, a.get(path), b.get(path))
        for path in dict.fromkeys([*a, *b])
        if path not in a or path not in b or a[path] != b[path]
    )
