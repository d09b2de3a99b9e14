"""The value of an expression, as far as the text alone says it. Nothing is run.

Numbers, strings, containers, arithmetic, a few pure functions, names bound to such
values, and calls of the script's own simple functions; everything else is `UNKNOWN`.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from residency.doctor.script.bindings import Function
from residency.doctor.script.functions import argument_of, defaults, parameters
from residency.doctor.script.script import Script

UNKNOWN: Any = type("Unknown", (), {"__repr__": lambda _: "UNKNOWN"})()
"""What stands for a value that the text does not give away."""

Names = Mapping[str, Any]
LIMIT = 10_000
"""Longest container, most loop turns, largest exponent."""
DEPTH = 60

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


class _Unknown(Exception):  # noqa: N818 - a jump, not an error
    pass


def value(
    script: Script, expression: ast.expr | None, names: Names | None = None
) -> Any:
    """Returns what `expression` is worth, or `UNKNOWN`.

    Args:
        script: The script it stands in.
        expression: `None` is `UNKNOWN`.
        names: Values of names that hold here, before the script's own.
    """
    if expression is None:
        return UNKNOWN
    try:
        return _evaluate(script, expression, names or {}, 0)
    except (_Unknown, ArithmeticError, LookupError, TypeError, ValueError):
        return UNKNOWN
    except (AttributeError, RecursionError, MemoryError):
        return UNKNOWN


def number(
    script: Script, expression: ast.expr | None, names: Names | None = None
) -> float | None:
    """Returns the number that `expression` is, or `None`."""
    result = value(script, expression, names)
    is_number = isinstance(result, int | float) and not isinstance(result, bool)
    return float(result) if is_number and math.isfinite(result) else None


def numbers(script: Script, expression: ast.expr | None) -> tuple[float, ...] | None:
    """Returns the flat sequence of numbers that `expression` is, or `None`."""
    result = value(script, expression)
    if not isinstance(result, list | tuple) or not result:
        return None
    if not all(isinstance(x, int | float) and not isinstance(x, bool) for x in result):
        return None
    return tuple(float(x) for x in result)


def call_function(
    script: Script, function: Function | ast.Lambda, arguments: Sequence[Any]
) -> Any:
    """Returns what one of the script's functions returns, or `UNKNOWN`.

    The statements are interpreted: assignments, `if`, `for`, `return`. Prints are
    passed over; anything else makes the result unknown.
    """
    try:
        return _apply(script, function, arguments, {}, 0)
    except (_Unknown, ArithmeticError, LookupError, TypeError, ValueError):
        return UNKNOWN
    except (AttributeError, RecursionError, MemoryError):
        return UNKNOWN


def _evaluate(script: Script, node: ast.expr, names: Names, depth: int) -> Any:
    if depth > DEPTH:
        raise _Unknown
    go = lambda each: _evaluate(script, each, names, depth + 1)  # noqa: E731
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return _name(script, node, names, depth)
        case ast.Attribute():
            return _attribute(script, node, names, depth)
        case ast.UnaryOp():
            return _operate(node.op, go(node.operand), None)
        case ast.BinOp():
            return _operate(node.op, go(node.left), go(node.right))
        case ast.BoolOp():
            return _bool(node, go)
        case ast.Compare():
            return _compare(node, go)
        case ast.IfExp():
            return go(node.body) if go(node.test) else go(node.orelse)
        case ast.Tuple():
            return tuple(go(item) for item in node.elts)
        case ast.List():
            return [go(item) for item in node.elts]
        case ast.Set():
            return {go(item) for item in node.elts}
        case ast.Dict() if None not in node.keys:
            return {
                go(k): go(v) for k, v in zip(node.keys, node.values, strict=True) if k
            }
        case ast.Subscript() if not isinstance(node.slice, ast.Slice):
            return go(node.value)[go(node.slice)]
        case ast.Call():
            return _call(script, node, names, depth)
        case _:
            raise _Unknown


def _name(script: Script, node: ast.Name, names: Names, depth: int) -> Any:
    if node.id in names:
        return names[node.id]
    candidates = script.candidates(node)
    if not candidates:
        return _imported(script, node)
    latest = candidates[0]
    if isinstance(latest.node, ast.arg):
        return _parameter(script, node, latest.node, depth)
    here = {id(a) for a in script.ancestors(node)}
    reachable = [latest]
    if _is_conditional(script, latest.node, here):
        reachable = candidates
    values = [_bound(script, each, names, depth) for each in reachable]
    if any(each != values[0] for each in values[1:]):
        raise _Unknown
    return values[0]


def _bound(script: Script, binding: Any, names: Names, depth: int) -> Any:
    if binding.value is None:
        raise _Unknown
    whole = _evaluate(script, binding.value, names, depth + 1)
    return whole if binding.index is None else whole[binding.index]


def _is_conditional(script: Script, node: ast.AST, here: set[int]) -> bool:
    """Tells whether `node` lies in a branch or loop that the use does not share."""
    branches = (ast.If, ast.For, ast.While, ast.Try, ast.ExceptHandler)
    around = (a for a in script.ancestors(node) if id(a) not in here)
    return any(isinstance(a, branches) and not is_main(a) for a in around)


def is_main(node: ast.AST) -> bool:
    """Tells whether `node` is `if __name__ == "__main__":`."""
    return isinstance(node, ast.If) and "__name__" in ast.dump(node.test)


def _parameter(script: Script, node: ast.Name, argument: ast.arg, depth: int) -> Any:
    """Returns a parameter's value where all calls of its function agree."""
    function = script.function(argument)
    if function is None or argument not in parameters(function):
        raise _Unknown
    calls = [c for c in script.calls if c.name == function.name and not c.imported]
    given = [argument_of(function, argument.arg, call) for call in calls]
    if not given or None in given:
        raise _Unknown
    values = [_evaluate(script, each, {}, depth + 1) for each in given if each]
    if any(each != values[0] for each in values[1:]):
        raise _Unknown
    return values[0]


def _imported(script: Script, node: ast.Name) -> Any:
    """Returns a constant that a module beside the script defines."""
    module, _, name = script.modules.get(node.id, "").rpartition(".")
    modules = (
        [(module.lstrip("."), name)] if name else [(m, node.id) for m in script.stars]
    )
    for each, wanted in modules:
        found = _module_value(script, each, wanted)
        if found is not UNKNOWN:
            return found
    raise _Unknown


def _module_value(script: Script, module: str, name: str) -> Any:
    sibling = script.sibling(module) if module.isidentifier() else None
    bound = sibling.bindings.get((sibling.tree, name), []) if sibling else []
    if sibling is None or len(bound) != 1 or bound[0].index is not None:
        return UNKNOWN
    return value(sibling, bound[0].value)


def _attribute(script: Script, node: ast.Attribute, names: Names, depth: int) -> Any:
    dotted = script.qualified(node)
    if dotted in CONSTANTS:
        return CONSTANTS[dotted]
    if not isinstance(node.value, ast.Name):
        raise _Unknown
    owner = script.modules.get(node.value.id, "")
    if owner:
        found = _module_value(script, owner, node.attr)
        if found is not UNKNOWN:
            return found
    holder = _class_of(script, node.value)
    bound = script.bindings.get((holder, node.attr), []) if holder else []
    if len(bound) != 1:
        raise _Unknown
    return _bound(script, bound[0], names, depth)


def _class_of(script: Script, name: ast.Name) -> ast.ClassDef | None:
    """Returns the class a name stands for, or an instance of it."""
    if name.id in script.classes:
        return script.classes[name.id]
    call = script.call_of(name)
    return script.classes.get(call.name) if call and not call.imported else None


def _operate(op: ast.AST, left: Any, right: Any) -> Any:
    if isinstance(op, ast.Pow) and (abs(right) > LIMIT or abs(left) > 1e9):
        raise _Unknown
    if isinstance(op, ast.Mult) and (
        _size(left) * _factor(right) > LIMIT or _size(right) * _factor(left) > LIMIT
    ):
        raise _Unknown
    if type(op) not in OPERATORS:
        raise _Unknown
    return OPERATORS[type(op)](left, right)


def _size(item: Any) -> int:
    return len(item) if isinstance(item, str | list | tuple) else 0


def _factor(item: Any) -> int:
    return item if isinstance(item, int) else 0


def _bool(node: ast.BoolOp, go: Callable[[ast.expr], Any]) -> Any:
    result = None
    for each in node.values:
        result = go(each)
        if bool(result) != isinstance(node.op, ast.And):
            return result
    return result


def _compare(node: ast.Compare, go: Callable[[ast.expr], Any]) -> bool:
    left = go(node.left)
    for op, each in zip(node.ops, node.comparators, strict=True):
        right = go(each)
        if not _operate(op, left, right):
            return False
        left = right
    return True


def _call(script: Script, node: ast.Call, names: Names, depth: int) -> Any:
    call = script.call(node)
    if any(isinstance(a, ast.Starred) for a in node.args):
        raise _Unknown
    args = [_evaluate(script, a, names, depth + 1) for a in node.args]
    if not call.imported and call.name in script.functions:
        given = {
            k: _evaluate(script, v, names, depth + 1) for k, v in call.keywords.items()
        }
        return _apply(script, script.functions[call.name], args, given, depth + 1)
    if not call.imported or call.name not in FUNCTIONS_KNOWN:
        raise _Unknown
    if call.name == "range" and len(range(*args)) > LIMIT:
        raise _Unknown
    known = {
        k: _evaluate(script, v, names, depth + 1)
        for k, v in call.keywords.items()
        if k != "dtype"
    }
    return FUNCTIONS_KNOWN[call.name](*args, **known)


def _apply(
    script: Script,
    function: Function | ast.Lambda,
    args: Sequence[Any],
    given: Mapping[str, Any],
    depth: int,
) -> Any:
    if depth > DEPTH:
        raise _Unknown
    names = {a.arg: v for a, v in zip(parameters(function), args, strict=False)}
    names |= given
    for name, default in defaults(function).items():
        if name not in names:
            names[name] = _evaluate(script, default, {}, depth + 1)
    if isinstance(function, ast.Lambda):
        return _evaluate(script, function.body, names, depth + 1)
    result = _run(script, function.body, names, depth + 1)
    return None if result is UNKNOWN else result


def _run(
    script: Script, body: list[ast.stmt], names: dict[str, Any], depth: int
) -> Any:
    """Interprets statements; returns the returned value, `UNKNOWN` if none was."""
    for statement in body:
        result = _statement(script, statement, names, depth)
        if result is not UNKNOWN:
            return result
    return UNKNOWN


def _statement(
    script: Script, node: ast.stmt, names: dict[str, Any], depth: int
) -> Any:
    match node:
        case ast.Return():
            return _evaluate(script, node.value or ast.Constant(None), names, depth)
        case ast.If():
            chosen = (
                node.body if _evaluate(script, node.test, names, depth) else node.orelse
            )
            return _run(script, chosen, names, depth)
        case ast.Assign(targets=[ast.Name() as target]):
            names[target.id] = _evaluate(script, node.value, names, depth)
        case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as given):
            names[target.id] = _evaluate(script, given, names, depth)
        case ast.AugAssign(target=ast.Name() as target):
            right = _evaluate(script, node.value, names, depth)
            names[target.id] = _operate(node.op, names[target.id], right)
        case ast.For(target=ast.Name() as target):
            return _loop(script, node, target.id, names, depth)
        case ast.Expr(value=ast.Constant()) | ast.Pass() | ast.Global():
            pass
        case ast.Expr(value=ast.Call() as call) if script.call(call).last in (
            "print",
            "info",
            "debug",
        ):
            pass
        case _:
            raise _Unknown
    return UNKNOWN


def _loop(
    script: Script, node: ast.For, name: str, names: dict[str, Any], depth: int
) -> Any:
    for item in _evaluate(script, node.iter, names, depth):
        names[name] = item
        result = _run(script, node.body, names, depth)
        if result is not UNKNOWN:
            return result
    return UNKNOWN
