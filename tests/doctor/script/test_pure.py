"""Operators and functions that a script's text can be reckoned with."""

import ast
import math

import pytest

from residency.doctor.script.pure import LIMIT, UnknownValue, call_known, operate


@pytest.mark.parametrize("text", ["7 // 2", "2 ** 10", "[0] * 3", "'a' in 'cat'"])
def test_operators_give_what_python_gives(text):
    node = ast.parse(text, mode="eval").body
    if isinstance(node, ast.Compare):
        op, right = node.ops[0], node.comparators[0]
    else:
        op, right = node.op, node.right
    sides = [ast.literal_eval(each) for each in (node.left, right)]
    assert operate(op, *sides) == eval(text)


@pytest.mark.parametrize(
    ("op", "left", "right"),
    [
        (ast.Mult(), [0], LIMIT + 1),
        (ast.Mult(), LIMIT + 1, "a"),
        (ast.Pow(), 2, LIMIT + 1),
        (ast.Pow(), 10**10, 2),
        (ast.MatMult(), 1, 1),
    ],
)
def test_what_would_take_too_much_is_unknown(op, left, right):
    with pytest.raises(UnknownValue):
        operate(op, left, right)


def test_functions():
    assert call_known("math.sqrt", [2], {}) == math.sqrt(2)
    assert call_known("sorted", [[3, 1]], {"reverse": True}) == [3, 1]
    for name, args in (("open", ["x"]), ("range", [LIMIT + 1])):
        with pytest.raises(UnknownValue):
            call_known(name, args, {})
