"""The value of an expression, as far as the text alone says it. Nothing is run.

Numbers, strings, containers, arithmetic, a few pure functions, names bound to such
values, and calls of the script's own simple functions; everything else is `UNKNOWN`.
"""

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from residency.doctor.script.bindings import Function
from residency.doctor.script.functions import argument_of, defaults, parameters
from residency.doctor.script.pure import (
    CONSTANTS,
    UNKNOWN,
    UnknownValue,
    call_known,
    operate,
)
from residency.doctor.script.script import Script
from residency.doctor.script.statements import run

Names = Mapping[str, Any]
DEPTH = 60


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
    except (UnknownValue, ArithmeticError, LookupError, TypeError, ValueError):
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
    except (UnknownValue, ArithmeticError, LookupError, TypeError, ValueError):
        return UNKNOWN
    except (AttributeError, RecursionError, MemoryError):
        return UNKNOWN


def _evaluate(script: Script, node: ast.expr, names: Names, depth: int) -> Any:
    if depth > DEPTH:
        raise UnknownValue
    go = lambda each: _evaluate(script, each, names, depth + 1)  # noqa: E731
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return _name(script, node, names, depth)
        case ast.Attribute():
            return _attribute(script, node, names, depth)
        case ast.UnaryOp():
            return operate(node.op, go(node.operand))
        case ast.BinOp():
            return operate(node.op, go(node.left), go(node.right))
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
            raise UnknownValue


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
        raise UnknownValue
    return values[0]


def _bound(script: Script, binding: Any, names: Names, depth: int) -> Any:
    if binding.value is None:
        raise UnknownValue
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
        raise UnknownValue
    calls = [c for c in script.calls if c.name == function.name and not c.imported]
    given = [argument_of(function, argument.arg, call) for call in calls]
    if not given or None in given:
        raise UnknownValue
    values = [_evaluate(script, each, {}, depth + 1) for each in given if each]
    if any(each != values[0] for each in values[1:]):
        raise UnknownValue
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
    raise UnknownValue


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
        raise UnknownValue
    owner = script.modules.get(node.value.id, "")
    if owner:
        found = _module_value(script, owner, node.attr)
        if found is not UNKNOWN:
            return found
    holder = _class_of(script, node.value)
    bound = script.bindings.get((holder, node.attr), []) if holder else []
    if len(bound) != 1:
        raise UnknownValue
    return _bound(script, bound[0], names, depth)


def _class_of(script: Script, name: ast.Name) -> ast.ClassDef | None:
    """Returns the class a name stands for, or an instance of it."""
    if name.id in script.classes:
        return script.classes[name.id]
    call = script.call_of(name)
    return script.classes.get(call.name) if call and not call.imported else None


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
        if not operate(op, left, right):
            return False
        left = right
    return True


def _call(script: Script, node: ast.Call, names: Names, depth: int) -> Any:
    call = script.call(node)
    if any(isinstance(a, ast.Starred) for a in node.args):
        raise UnknownValue
    args = [_evaluate(script, a, names, depth + 1) for a in node.args]
    skip = ("dtype",) if call.imported else ()
    given = {
        name: _evaluate(script, each, names, depth + 1)
        for name, each in call.keywords.items()
        if name not in skip
    }
    if call.imported:
        return call_known(call.name, args, given)
    if call.name in script.functions:
        return _apply(script, script.functions[call.name], args, given, depth + 1)
    raise UnknownValue


def _apply(
    script: Script,
    function: Function | ast.Lambda,
    args: Sequence[Any],
    given: Mapping[str, Any],
    depth: int,
) -> Any:
    if depth > DEPTH:
        raise UnknownValue
    names = {a.arg: v for a, v in zip(parameters(function), args, strict=False)}
    names |= given
    for name, default in defaults(function).items():
        if name not in names:
            names[name] = _evaluate(script, default, {}, depth + 1)
    if isinstance(function, ast.Lambda):
        return _evaluate(script, function.body, names, depth + 1)
    evaluate = lambda each, names: _evaluate(script, each, names, depth + 1)  # noqa: E731
    result = run(script, function.body, names, evaluate)
    return None if result is UNKNOWN else result
