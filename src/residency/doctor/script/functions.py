"""The functions that a script defines, and what is passed to them."""

import ast

from residency.doctor.script.bindings import Function
from residency.doctor.script.script import Call, Script


def parameters(function: Function | ast.Lambda) -> list[ast.arg]:
    """Returns the named parameters of a function, in order."""
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def argument_of(
    function: Function | ast.Lambda, name: str, call: Call
) -> ast.expr | None:
    """Returns what `call` passes to `function` as `name`, its default otherwise."""
    order = [argument.arg for argument in parameters(function)]
    given = call.argument(name, order.index(name))
    return given if given is not None else defaults(function).get(name)


def defaults(function: Function | ast.Lambda) -> dict[str, ast.expr]:
    """Returns the default of each parameter that has one."""
    plain = [*function.args.posonlyargs, *function.args.args]
    tail = plain[len(plain) - len(function.args.defaults) :]
    found = {a.arg: d for a, d in zip(tail, function.args.defaults, strict=True)}
    pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return found | {a.arg: d for a, d in pairs if d is not None}


def function_of(
    script: Script, expression: ast.expr | None
) -> Function | ast.Lambda | None:
    """Returns the function of the script that an expression names or is."""
    node = script.origin(expression)
    if isinstance(node, ast.Lambda):
        return node
    if isinstance(node, ast.Name):
        return script.functions.get(node.id)
    return None
