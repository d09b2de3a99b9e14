"""Statements of simple functions, against Python itself."""

import ast
import textwrap

import pytest

from residency.doctor.script.pure import UNKNOWN, UnknownValue
from residency.doctor.script.statements import run

BODIES = [
    "y = x * 2\nreturn y",
    "if x > 2:\n    return 'large'\nelse:\n    return 'small'",
    "total = 0\nfor i in range(x):\n    total += i\nreturn total",
    "for i in range(10):\n    if i * i > x:\n        return i\nreturn -1",
    "print(x)\ny: int = x\nreturn",
]


def python(body, x):
    names = {}
    exec(f"def f(x):\n{textwrap.indent(body, '    ')}", names)
    return names["f"](x)


def evaluate(expression, names):
    code = compile(ast.unparse(expression), "", "eval")
    return eval(code, {"range": range}, names)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("x", [0, 3, 17])
def test_a_body_returns_what_python_returns(parsed, body, x):
    script = parsed(f"def f(x):\n{textwrap.indent(body, '    ')}")
    assert run(script, script.tree.body[0].body, {"x": x}, evaluate) == python(body, x)


def test_no_return_is_unknown_and_other_statements_are_a_jump(parsed):
    script = parsed("y = 1")
    names = {}
    assert run(script, script.tree.body, names, evaluate) is UNKNOWN
    assert names == {"y": 1}
    script = parsed("while True:\n    pass")
    with pytest.raises(UnknownValue):
        run(script, script.tree.body, {}, evaluate)
