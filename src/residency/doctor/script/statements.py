"""The statements of a script's own simple functions, interpreted."""

import ast
from collections.abc import Callable
from typing import Any

from residency.doctor.script.pure import UNKNOWN, UnknownValue, operate
from residency.doctor.script.script import Script

Evaluate = Callable[[ast.expr, dict[str, Any]], Any]
PASSED_OVER = ("print", "info", "debug")


def run(
    script: Script, body: list[ast.stmt], names: dict[str, Any], evaluate: Evaluate
) -> Any:
    """Interprets statements; returns the returned value, `UNKNOWN` if none was.

    Args:
        script: The script they stand in.
        body: Assignments, `if`, `for`, `return`; prints are passed over.
        names: Values of names, changed by assignments.
        evaluate: Returns the value of an expression, given names.

    Raises:
        UnknownValue: Another statement.
        Exception: What `evaluate` raises.
    """
    for statement in body:
        result = _statement(script, statement, names, evaluate)
        if result is not UNKNOWN:
            return result
    return UNKNOWN


def _statement(
    script: Script, node: ast.stmt, names: dict[str, Any], evaluate: Evaluate
) -> Any:
    match node:
        case ast.Return():
            return evaluate(node.value or ast.Constant(None), names)
        case ast.If():
            chosen = node.body if evaluate(node.test, names) else node.orelse
            return run(script, chosen, names, evaluate)
        case ast.Assign(targets=[ast.Name() as target]):
            names[target.id] = evaluate(node.value, names)
        case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as given):
            names[target.id] = evaluate(given, names)
        case ast.AugAssign(target=ast.Name() as target):
            right = evaluate(node.value, names)
            names[target.id] = operate(node.op, names[target.id], right)
        case ast.For(target=ast.Name() as target):
            for item in evaluate(node.iter, names):
                names[target.id] = item
                result = run(script, node.body, names, evaluate)
                if result is not UNKNOWN:
                    return result
        case ast.Expr(value=ast.Constant()) | ast.Pass() | ast.Global():
            pass
        case ast.Expr(value=ast.Call() as call) if (
            script.call(call).last in PASSED_OVER
        ):
            pass
        case _:
            raise UnknownValue
    return UNKNOWN
