"""Networks by name: listed and found, without Keras."""

from collections.abc import Mapping
from typing import Any

from residency.errors import ConfigError, did_you_mean
from residency.models.entries import ENTRIES, Entry

CATALOG: Mapping[str, Entry] = {entry.name: entry for entry in ENTRIES}


def list_models() -> tuple[Entry, ...]:
    """Returns every network of the catalog; builds none and loads no Keras.

    Example:

    >>> list_models()[0].name, list_models()[0].parameters
    ('cifar_resnet20', 271098)
    """
    return ENTRIES


def find(name: str) -> Entry:
    """Returns the entry called `name`; raises `ConfigError` with the closest one."""
    if name not in CATALOG:
        raise ConfigError(
            f"No model {name!r} in the catalog.{did_you_mean(name, CATALOG)} "
            "`residency list models` shows all."
        )
    return CATALOG[name]


def check_options(entry: Entry, options: Mapping[str, Any]) -> None:
    """Raises `ConfigError` for the first option that the builder does not take."""
    for option in options:
        if option not in entry.options:
            raise ConfigError(
                f"Model {entry.name!r} has no option {option!r}."
                f"{did_you_mean(option, entry.options)} "
                f"Options: {', '.join(entry.options)}."
            )
