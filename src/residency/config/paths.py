"""Set one value of a nested config by its dotted path, typed by the field."""

import dataclasses
import json
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from residency.config.codec import alternatives, convert, field_types
from residency.errors import ConfigError, did_you_mean

T = TypeVar("T")


def set_path(config: T, path: str, value: Any, where: str = "recipe") -> T:
    """Returns a copy of `config` with the field at `path` set to `value`.

    Args:
        config: A frozen dataclass, nested.
        path: Dotted field names; numbers address items of a tuple.
        value: The value, or its text as typed on a command line: `0.1`, `true`,
            `none`, `(1, 2)` or `1,2`, `AdamW` (a kind, with its defaults).
        where: Name of the config in messages.

    Raises:
        ConfigError: No such field (the closest is named), a value of the wrong
            type, or one that the config's own checks refuse.

    Example:

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Speed:
    ...     limit: float = 1.0
    >>> set_path(Speed(), "limit", "2.5")
    Speed(limit=2.5)
    """
    return _set(config, path.split("."), value, where, path)


def _set(config: Any, names: list[str], value: Any, where: str, path: str) -> Any:
    name, rest = names[0], names[1:]
    if isinstance(config, tuple):
        return _set_item(config, names, value, where, path)
    if isinstance(config, Mapping):
        return {**config, ".".join(names): _parsed(Any, value)}
    if not dataclasses.is_dataclass(config):
        raise ConfigError(f"{where} has no field {path!r}: it ends before {name!r}.")
    fields = field_types(type(config))
    if name not in fields:
        raise _unknown(config, names, where, path)
    if rest:
        new = _set(getattr(config, name), rest, value, where, path)
    else:
        new = convert(fields[name], _parsed(fields[name], value), path)
    return dataclasses.replace(config, **{name: new})


def _set_item(items: tuple, names: list[str], value: Any, where: str, path: str) -> Any:
    name, rest = names[0], names[1:]
    if not name.isdecimal() or int(name) >= len(items):
        raise ConfigError(
            f"{where} has no field {path!r}: expected an item number below "
            f"{len(items)}, got {name!r}."
        )
    old = items[int(name)]
    kind = type(old)
    new = (
        _set(old, rest, value, where, path)
        if rest
        else convert(kind, _parsed(kind, value), path)
    )
    return (*items[: int(name)], new, *items[int(name) + 1 :])


def _unknown(config: Any, names: list[str], where: str, path: str) -> ConfigError:
    prefix = path.split(".")[: -len(names)]
    options = [".".join([*prefix, field]) for field in field_types(type(config))]
    hint = did_you_mean(path, options)
    listed = "" if hint else f" Fields: {', '.join(options)}."
    return ConfigError(f"{where} has no field {path!r}.{hint}{listed}")


def _parsed(annotation: Any, value: Any) -> Any:
    """Returns the value that a text stands for; anything else as it is."""
    if not isinstance(value, str):
        return value
    options = alternatives(annotation)
    text = value.strip()
    classes = {c.__name__: c for c in options if dataclasses.is_dataclass(c)}
    if text in classes:
        return {"kind": text}
    if text.lower() in ("none", "null") and (type(None) in options or Any in options):
        return None
    if any(typing.get_origin(option) is tuple for option in options):
        return _tuple_of(options, text)
    if text.lower() in ("true", "false") and (bool in options or Any in options):
        return text.lower() == "true"
    if any(option in (int, float) or option is Any for option in options):
        return _number(text)
    return text


def _tuple_of(options: tuple[Any, ...], text: str) -> list[Any]:
    body = text.strip("()[] ")
    if body.startswith("{"):
        return json.loads(f"[{body}]")
    item = next(typing.get_args(o)[0] for o in options if typing.get_origin(o) is tuple)
    return [_parsed(item, part) for part in body.split(",") if part.strip()]


def _number(text: str) -> Any:
    try:
        return int(text.replace("_", ""))
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text
