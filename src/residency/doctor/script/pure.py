"""What the text of a script can be reckoned with: operators and pure functions."""

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

UNKNOWN: Any = type("Unknown", (), {"__repr__": lambda _: "UNKNOWN"})()
"""What stands for a value that the text does not give away."""
LIMIT = 10_000
"""Longest container, most loop turns, largest exponent."""

OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.USub: lambda a, _: -a,
    ast.UAdd: lambda a, _: +a,
    ast.Not: lambda a, _: not a,
}
_ROUNDING = {"ceil": math.ceil, "floor": math.floor}
FUNCTIONS_KNOWN: dict[str, Callable[..., Any]] = {
    **{f.__name__: f for f in (abs, bool, dict, float, int, len, list, max, min)},
    **{f.__name__: f for f in (range, round, set, sorted, str, sum, tuple)},
    **{f"math.{n}": getattr(math, n) for n in ("cos", "exp", "log", "log10", "pow")},
    **{f"math.{n}": getattr(math, n) for n in ("sin", "sqrt", "ceil", "floor")},
    **{f"numpy.{n}": getattr(math, n) for n in ("cos", "exp", "log", "log10", "sqrt")},
    **{f"numpy.{n}": lambda x, f=f: float(f(x)) for n, f in _ROUNDING.items()},
    "numpy.array": lambda x, **_: x,
    "numpy.asarray": lambda x, **_: x,
    "numpy.float32": float,
    "tensorflow.constant": lambda x, **_: x,
}
CONSTANTS = {"math.pi": math.pi, "numpy.pi": math.pi, "math.e": math.e}


class UnknownValue(Exception):  # noqa: N818 - a jump, not an error
    """The text does not say, or to reckon it would take too much."""


def call_known(name: str, args: list[Any], keywords: dict[str, Any]) -> Any:
    """Returns what a pure function gives.

    Raises:
        UnknownValue: No such function, or too long a range.
        Exception: What the function raises on such arguments.
    """
    if name not in FUNCTIONS_KNOWN:
        raise UnknownValue
    if name == "range" and len(range(*args)) > LIMIT:
        raise UnknownValue
    return FUNCTIONS_KNOWN[name](*args, **keywords)


def operate(op: ast.AST, left: Any, right: Any = None) -> Any:
    """Returns what an operator gives; one of a single side takes `left`.

    Raises:
        UnknownValue: Another operator, or the result would be too large.
        Exception: What Python raises on such values.
    """
    if isinstance(op, ast.Pow) and (abs(right) > LIMIT or abs(left) > 1e9):
        raise UnknownValue
    if isinstance(op, ast.Mult) and (
        _size(left) * _factor(right) > LIMIT or _size(right) * _factor(left) > LIMIT
    ):
        raise UnknownValue
    if type(op) not in OPERATORS:
        raise UnknownValue
    return OPERATORS[type(op)](left, right)


def _size(item: Any) -> int:
    return len(item) if isinstance(item, str | list | tuple) else 0


def _factor(item: Any) -> int:
    return item if isinstance(item, int) else 0
