"""Configs to JSON and back, and their hash.

A dataclass becomes an object with its class name under `"kind"`; the field's
annotation tells which classes may stand there when it is read back.
"""

import dataclasses
import hashlib
import json
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, cast

from residency.errors import ConfigError, did_you_mean

T = TypeVar("T")


def to_json(config: Any) -> Any:
    """Returns `config` as objects, lists and scalars that `json` can write."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        values = {
            f.name: to_json(getattr(config, f.name)) for f in dataclasses.fields(config)
        }
        return {"kind": type(config).__name__, **values}
    if isinstance(config, tuple | list):
        return [to_json(item) for item in cast("list[Any]", config)]
    if isinstance(config, Mapping):
        entries = cast("Mapping[str, Any]", config)
        return {str(key): to_json(value) for key, value in entries.items()}
    return config


def from_json(cls: type[T], value: Any) -> T:
    """Returns the config of class `cls` that `to_json` wrote as `value`.

    Raises:
        ConfigError: A kind or field is unknown, or a value has the wrong type.
    """
    return convert(cls, value, cls.__name__)


def config_hash(config: Any) -> str:
    """Returns 16 hexadecimal digits that change with any field."""
    text = json.dumps(to_json(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def leaves(config: Any, path: str = "") -> dict[str, Any]:
    """Returns every setting by its dotted path, as `set_paths` takes it.

    A tuple of scalars is one leaf; a tuple of configs has numbered items.
    """
    items: dict[str, Any]
    if dataclasses.is_dataclass(config):
        items = {f.name: getattr(config, f.name) for f in dataclasses.fields(config)}
    elif _holds_configs(config):
        items = {str(number): item for number, item in enumerate(config)}
    elif isinstance(config, Mapping) and config:
        items = dict(cast("Mapping[str, Any]", config))
    else:
        return {path: config}
    found: dict[str, Any] = {}
    for name, item in items.items():
        found |= leaves(item, f"{path}.{name}" if path else name)
    return found


def field_types(cls: type) -> dict[str, Any]:
    """Returns the resolved annotation of each field of a dataclass."""
    hints = typing.get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """Returns the members of a union, or the annotation alone."""
    if typing.get_origin(annotation) in (Union, types.UnionType):
        found: list[Any] = []
        for member in typing.get_args(annotation):
            found.extend(alternatives(member))
        return tuple(found)
    return (annotation,)


def _holds_configs(value: Any) -> bool:
    return isinstance(value, tuple) and any(
        dataclasses.is_dataclass(item) for item in cast("tuple[Any, ...]", value)
    )


def kinds(annotation: Any) -> dict[str, Any]:
    """Returns the config classes that an annotation allows, by name."""
    return {c.__name__: c for c in alternatives(annotation) if _is_config(c)}


def _is_config(option: Any) -> bool:
    return isinstance(option, type) and dataclasses.is_dataclass(option)


def convert(annotation: Any, value: Any, where: str) -> Any:
    """Returns a JSON value, or a config as it is, checked against `annotation`."""
    options = alternatives(annotation)
    classes = kinds(annotation)
    if isinstance(value, tuple(classes.values())):
        return value
    if isinstance(value, Mapping) and classes and "kind" in value:
        return _convert_object(classes, dict(cast("Mapping[str, Any]", value)), where)
    for option in options:
        done, result = _convert_plain(option, value, where)
        if done:
            return result
    expected = " or ".join(_name(option) for option in options)
    raise ConfigError(f"{where}: expected {expected}, got {value!r}.")


def _convert_object(classes: dict[str, Any], value: dict[str, Any], where: str) -> Any:
    kind = value.pop("kind")
    if not isinstance(kind, str) or kind not in classes:
        raise ConfigError(
            f"{where}: no kind {kind!r}.{did_you_mean(str(kind), classes)} "
            f"Expected one of {', '.join(classes)}."
        )
    fields = field_types(classes[kind])
    for name in value:
        if name not in fields:
            raise ConfigError(
                f"{where}: {kind} has no field {name!r}.{did_you_mean(name, fields)}"
            )
    for field in dataclasses.fields(classes[kind]):
        optional = field.default, field.default_factory
        if field.name not in value and all(d is dataclasses.MISSING for d in optional):
            raise ConfigError(f"{where}: {kind} needs {field.name!r}.")
    return classes[kind](
        **{k: convert(fields[k], v, f"{where}.{k}") for k, v in value.items()}
    )


def _convert_plain(option: Any, value: Any, where: str) -> tuple[bool, Any]:
    """Returns whether `value` fits the one type `option`, and the value of it."""
    origin = typing.get_origin(option)
    if option is Any:
        return True, value
    if option is type(None):
        return value is None, None
    if origin is Literal:
        return value in typing.get_args(option), value
    if origin is tuple and isinstance(value, list | tuple):
        return True, _convert_tuple(typing.get_args(option), value, where)
    if option in (dict, Mapping) or origin in (dict, Mapping, types.MappingProxyType):
        return isinstance(value, Mapping), value
    if isinstance(origin or option, type) and origin is not tuple:
        if option is float and isinstance(value, int | float):
            return not isinstance(value, bool), _as_float(value, where)
        if option is int and isinstance(value, bool):
            return False, None
        return isinstance(value, origin or option), value
    return False, None


def _as_float(value: float, where: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):  # no JSON file can hold it
        raise ConfigError(f"{where}: expected a finite number, got {value!r}.")
    return number


def _convert_tuple(items: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(convert(items[0], v, f"{where}.{n}") for n, v in enumerate(value))
    if len(items) != len(value):
        raise ConfigError(f"{where}: expected {len(items)} values, got {value!r}.")
    pairs = zip(items, value, strict=True)
    return tuple(convert(t, v, f"{where}.{n}") for n, (t, v) in enumerate(pairs))


def _name(option: Any) -> str:
    if option is type(None):
        return "none"
    if typing.get_origin(option) is Literal:
        return " or ".join(repr(word) for word in typing.get_args(option))
    return getattr(option, "__name__", str(option))
