"""Whose weights a file has: the names they gave, and what their network expects."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from residency.models.weights.traits import Traits

Renaming = Callable[[Iterable[str]], dict[str, str]]
"""From a file's layer names to ours, for those that are known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """One kind of file in the wild: how to know it, read it, and build for it."""

    name: str
    """In words, as reports say it."""
    mark: str
    """Regular expression of a layer name that no other origin has."""
    rename: Renaming
    traits: Traits
    options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments with which a builder that has them makes this network."""
    note: str = ""
    """What the names cannot tell; every report says it."""
    refusal: str = ""
    """Why no network here gives what these weights were trained for."""
