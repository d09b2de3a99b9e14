import ast

import pytest


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import keras\nkeras.layers.Dense(1)", "keras.layers.Dense"),
        ("import tensorflow as tf\ntf.keras.layers.Dense(1)", "keras.layers.Dense"),
        ("from tensorflow import keras as k\nk.layers.Dense(1)", "keras.layers.Dense"),
        ("from tensorflow.keras.layers import Dense as D\nD(1)", "keras.layers.Dense"),
        ("import keras\nL = keras.layers\nL.Dense(1)", "keras.layers.Dense"),
        ("from keras.layers import *\nDense(1)", "keras.layers.Dense"),
        ("import numpy as np\nnp.random.randint(1)", "numpy.random.randint"),
        ("import keras.layers\nkeras.layers.Dense(1)", "keras.layers.Dense"),
        ("model = 1\nmodel.fit(1)", "model.fit"),
        ("def Dense(n): ...\nDense(1)", "Dense"),
    ],
)
def test_a_call_is_named_by_where_it_comes_from(parsed, text, name):
    assert parsed(text).calls[-1].name == name


def test_a_name_means_what_was_bound_last_above(parsed):
    script = parsed("a = 1\nb = a\na = 2\nc = a\n\ndef f():\n    return a\n")
    uses = [n for n in script.walk(ast.Name) if isinstance(n.ctx, ast.Load)]
    values = [script.definition(use).value for use in uses]
    assert values == [1, 2, 2]


def test_a_parameter_hides_the_module(parsed):
    script = parsed("a = 1\ndef f(a):\n    return a\nlambda a: a\n[a for a in b]\n")
    uses = [
        n for n in script.walk(ast.Name) if isinstance(n.ctx, ast.Load) and n.id == "a"
    ]
    assert [script.definition(use) for use in uses] == [None] * 3


def test_unpacking_and_augmented_assignment(parsed):
    script = parsed("a, b = 1, 2\na /= 4\nprint(a, b)\n")
    uses = [n for n in script.walk(ast.Name) if n.lineno == 3 and n.id != "print"]
    assert [ast.unparse(script.definition(use)) for use in uses] == ["a / 4", "2"]
