"""Set values of a nested config by their dotted paths, typed by the fields."""

import dataclasses
import json
import typing
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from residency.config.codec import alternatives, convert, field_types, kinds
from residency.errors import ConfigError, did_you_mean

T = TypeVar("T")


def set_paths(config: T, changes: Mapping[str, Any], where: str = "recipe") -> T:
    """Returns a copy of `config` with all `changes` made together.

    The config's own checks see the result only, so two settings that need each
    other can be changed in any order.

    Args:
        config: A frozen dataclass, nested.
        changes: By dotted field names; numbers address items of a tuple. A value,
            or its text as typed on a command line: `0.1`, `true`, `none`, `(1, 2)`
            or `1,2`, `AdamW` (a kind, with its defaults), `(RandomFlip, PadCrop)`,
            or a JSON list, `["a,b", "c"]`.
        where: Name of the config in messages.

    Raises:
        ConfigError: No such field (the closest is named), a value of the wrong
            type, or one that the config's own checks refuse.

    Example:

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Speed:
    ...     limit: float = 1.0
    >>> set_paths(Speed(), {"limit": "2.5"})
    Speed(limit=2.5)
    """
    split = [(path.split("."), path, value) for path, value in changes.items()]
    if not split:
        return config
    try:
        return _changed(config, split, where)
    except ConfigError as error:
        message = str(error)
        if message.startswith(where):
            raise
        raise ConfigError(f"{where}: {message}") from error


_Change = tuple[list[str], str, Any]  # names still to go, the whole path, the value


def _changed(config: Any, changes: list[_Change], where: str) -> Any:
    """Returns `config` with the changes made below it."""
    if isinstance(config, tuple):
        return _changed_items(cast("tuple[Any, ...]", config), changes, where)
    if isinstance(config, Mapping):
        new = {".".join(names): _parsed(Any, value, p) for names, p, value in changes}
        return {**cast("Mapping[str, Any]", config), **new}
    if not dataclasses.is_dataclass(config):
        names, path, _ = changes[0]
        raise ConfigError(
            f"{where} has no field {path!r}: it ends before {names[0]!r}."
        )
    fields = field_types(type(config))
    groups = _grouped(changes)
    for name, group in groups.items():
        if name not in fields:
            raise _unknown(fields, *group[0][:2], where)
    new = {
        name: _value(fields[name], getattr(config, name), group, where)
        for name, group in groups.items()
    }
    names, path, _ = changes[0]
    with _naming(type(config).__name__, path.removesuffix(".".join(names))):
        return dataclasses.replace(cast("Any", config), **new)


def _changed_items(
    items: tuple[Any, ...], changes: list[_Change], where: str
) -> tuple[Any, ...]:
    new = list(items)
    for name, group in _grouped(changes).items():
        if not name.isdecimal() or int(name) >= len(items):
            raise ConfigError(
                f"{where} has no field {group[0][1]!r}: expected an item number below "
                f"{len(items)}, got {name!r}."
            )
        old = items[int(name)]
        new[int(name)] = _value(type(old), old, group, where)
    return tuple(new)


def _grouped(changes: list[_Change]) -> dict[str, list[_Change]]:
    groups: dict[str, list[_Change]] = {}
    for change in changes:
        groups.setdefault(change[0][0], []).append(change)
    return groups


def _value(annotation: Any, old: Any, changes: list[_Change], where: str) -> Any:
    """Returns the new value of one field: set whole, changed below, or both."""
    whole = [(path, value) for names, path, value in changes if len(names) == 1]
    below = [(names[1:], path, value) for names, path, value in changes if names[1:]]
    if not whole:
        _require_kind(annotation, old, below, where)
        return _changed(old, below, where)
    path, value = whole[-1]
    value = _parsed(annotation, value, path)
    if isinstance(value, Mapping):
        given = dict(cast("Mapping[str, Any]", value))
        if given.get("kind") in kinds(annotation):
            return _built(annotation, given, below, path, where)
    new = convert(annotation, value, path)
    return _changed(new, below, where) if below else new


def _require_kind(
    annotation: Any, old: Any, changes: list[_Change], where: str
) -> None:
    """Raises `ConfigError` for a field that only another kind of section has."""
    for names, path, _ in changes:
        if names[0] in getattr(old, "__dataclass_fields__", {}):
            continue
        having = [
            kind for kind, c in kinds(annotation).items() if names[0] in field_types(c)
        ]
        if having:
            section = path.removesuffix("." + ".".join(names))
            raise ConfigError(
                f"{where}: {path} belongs to {' or '.join(having)}, and {section} is "
                f"{type(old).__name__}. Pass --set {section}={having[0]}, too."
            )


def _built(
    annotation: Any,
    given: dict[str, Any],
    changes: list[_Change],
    path: str,
    where: str,
) -> Any:
    """Returns a section of another kind together with its first settings."""
    fields = field_types(kinds(annotation)[given["kind"]])
    for names, below, value in changes:
        field = names[0]
        if field not in fields:
            raise _unknown(fields, names, below, where)
        given[field] = convert(
            fields[field], _parsed(fields[field], value, below), below
        )
    with _naming(given["kind"], f"{path}."):
        return convert(annotation, given, path)


@contextmanager
def _naming(kind: str, prefix: str) -> Generator[None]:
    """Lets a config's own check name the path that the user can set."""
    try:
        yield
    except ConfigError as error:
        message = str(error)
        if message.startswith(f"{kind}."):
            message = prefix + message.removeprefix(f"{kind}.")
        raise ConfigError(message) from error


def _unknown(
    fields: Mapping[str, Any], names: list[str], path: str, where: str
) -> ConfigError:
    prefix = path.split(".")[: -len(names)]
    options = [".".join([*prefix, field]) for field in fields]
    hint = did_you_mean(path, options)
    listed = "" if hint else f" Fields: {', '.join(options)}."
    return ConfigError(f"{where} has no field {path!r}.{hint}{listed}")


def _parsed(annotation: Any, value: Any, path: str) -> Any:
    """Returns the value that a text stands for; anything else as it is."""
    if not isinstance(value, str):
        return value
    options = alternatives(annotation)
    text = value.strip()
    if text in kinds(annotation):
        return {"kind": text}
    if text.lower() in ("none", "null") and (type(None) in options or Any in options):
        return None
    if any(typing.get_origin(option) is tuple for option in options):
        return _tuple_of(options, text, path)
    if text.lower() in ("true", "false") and (bool in options or Any in options):
        return text.lower() == "true"
    if any(option in (int, float) or option is Any for option in options):
        return _number(text)
    return text


def _tuple_of(options: tuple[Any, ...], text: str, path: str) -> list[Any]:
    if text.lower() in ("none", "null"):
        return []
    body = text.strip("()[] ")
    if body.startswith(("{", '"')):  # what holds commas itself is written as JSON
        try:
            return json.loads(f"[{body}]")
        except ValueError as error:
            raise ConfigError(
                f"{path}: expected a JSON list, got {text!r}: {error}."
            ) from error
    item = next(typing.get_args(o)[0] for o in options if typing.get_origin(o) is tuple)
    return [_parsed(item, part, path) for part in body.split(",") if part.strip()]


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text
