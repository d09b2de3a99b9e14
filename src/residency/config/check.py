"""Checks for `__post_init__`: one line a field, the message written once."""

import math
from collections.abc import Collection
from typing import Any

from residency.errors import ConfigError, did_you_mean


def require(config: Any, field: str, holds: bool, expected: str) -> None:
    """Raises `ConfigError` naming `field` and its value unless `holds`."""
    if not holds:
        raise ConfigError(
            f"{type(config).__name__}.{field}: expected {expected}, "
            f"got {getattr(config, field)!r}."
        )


def require_positive(config: Any, *fields: str) -> None:
    """Requires finite numbers above 0; `None` passes."""
    for field in fields:
        value = getattr(config, field)
        if value is not None:
            require(
                config, field, 0 < value < math.inf, "a finite number greater than 0"
            )


def require_not_negative(config: Any, *fields: str) -> None:
    """Requires finite numbers of 0 or more."""
    for field in fields:
        holds = 0 <= getattr(config, field) < math.inf
        require(config, field, holds, "a finite number, 0 or more")


def require_between(config: Any, field: str, low: float, high: float) -> None:
    """Requires a number in the closed range `[low, high]`; `None` passes."""
    value = getattr(config, field)
    if value is not None:
        require(config, field, low <= value <= high, f"a number in [{low}, {high}]")


def require_one_of(config: Any, field: str, options: Collection[str]) -> None:
    """Requires one of the words `options`; suggests the closest."""
    value = getattr(config, field)
    if value not in options:
        raise ConfigError(
            f"{type(config).__name__}.{field}: expected one of "
            f"{', '.join(options)}, got {value!r}.{did_you_mean(str(value), options)}"
        )
