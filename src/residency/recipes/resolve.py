"""A recipe with the user's changes, and where each value came from."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from residency.config import from_json, leaves, set_paths, to_json
from residency.recipes.catalog import get_recipe
from residency.recipes.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Resolved:
    """A recipe ready to run."""

    recipe: Recipe
    origin: Mapping[str, str]
    """By dotted path: `"recipe"`, `"default"` or `"user"`."""

    def to_json(self) -> dict[str, Any]:
        """Returns what `recipe.json` holds."""
        return {
            "name": self.recipe.name,
            "values": to_json(self.recipe),
            "origin": dict(self.origin),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Resolved":
        """Returns what `to_json` wrote.

        Raises:
            ConfigError: A field is unknown or has a wrong type.
        """
        return cls(from_json(Recipe, value["values"]), dict(value["origin"]))


def resolve(recipe: str | Recipe, changes: Mapping[str, Any]) -> Resolved:
    """Returns `recipe` with `changes` (dotted path to value) made together.

    Raises:
        ConfigError: No such recipe or field, or a value does not fit.

    Example:

    >>> resolved = resolve("quick/cifar10", {"optimizer.learning_rate": "0.05"})
    >>> resolved.recipe.optimizer.learning_rate
    0.05
    >>> resolved.origin["optimizer.learning_rate"], resolved.origin["seed"]
    ('user', 'default')
    """
    start = get_recipe(recipe) if isinstance(recipe, str) else recipe
    result = set_paths(start, changes, where=f"recipe {start.name!r}")
    return Resolved(result, _origins(result, changes))


def _origins(recipe: Recipe, changes: Mapping[str, Any]) -> dict[str, str]:
    defaults = _default_leaves(recipe)
    origin = {}
    for path, value in leaves(recipe).items():
        if any(path == c or path.startswith(f"{c}.") for c in changes):
            origin[path] = "user"
        elif path in defaults and defaults[path] == value:
            origin[path] = "default"
        else:
            origin[path] = "recipe"
    return origin


def _default_leaves(config: Any, prefix: str = "") -> dict[str, Any]:
    """Returns the defaults of `config` and of the configs inside it, by path."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value, path = getattr(config, field.name), f"{prefix}{field.name}"
        items = value if isinstance(value, tuple) else (value,)
        for number, item in enumerate(items):
            if dataclasses.is_dataclass(item):
                step = f"{path}.{number}." if isinstance(value, tuple) else f"{path}."
                found |= _default_leaves(item, step)
        if field.default is not dataclasses.MISSING:
            found.setdefault(path, field.default)
    return found
