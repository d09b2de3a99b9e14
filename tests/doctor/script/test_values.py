import ast
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residency.doctor.script.script import read_script
from residency.doctor.script.values import UNKNOWN, call_function, number, value


def last(script):
    return script.tree.body[-1].value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.0 / 255", 1 / 255),
        ("N = 2000\nB = 20\nN / B", 100.0),
        ("import math\nmath.ceil(7 / 2)", 4),
        ("import numpy as np\nnp.sqrt(0.1)", math.sqrt(0.1)),
        ("names = ['a', 'b']\nlen(names)", 2),
        ("class C:\n    EPOCHS = 3\nC.EPOCHS * 2", 6),
        ("class C:\n    EPOCHS = 3\nc = C()\nc.EPOCHS", 3),
        ("(1, 2)[1]", 2),
        ("4 if 1 < 2 <= 2 else 5", 4),
        ("def f(n, m=2):\n    return n * m\nf(4)", 8),
        ("def f(n):\n    return n\nx = [f(3)]\nx[0]", 3),
        ("if __name__ == '__main__':\n    a = 5\na", 5),
        ("{'a': 1}['a']", 1),
        ("not True or 3", 3),
        ("import numpy as np\nnp.array([1, 2], dtype=np.uint8)", [1, 2]),
    ],
)
def test_what_the_text_gives_away(parsed, text, expected):
    script = parsed(text)
    assert value(script, last(script)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "open('file')",
        "import os\nos.getcwd()",
        "a = 1\nif x:\n    a = 2\na",
        "for a in range(3):\n    b = a\nb",
        "def f(n):\n    while n:\n        n -= 1\n    return n\nf(3)",
        "def f(n):\n    return f(n)\nf(1)",
        "10 ** 10 ** 10",
        "[0] * 10 ** 12",
        "1 / 0",
        "'a' + 1",
        "[1][5]",
    ],
)
def test_what_it_does_not(parsed, text):
    script = parsed(text)
    assert value(script, last(script)) is UNKNOWN


SCHEDULE = """
import math

def schedule(epoch, rate=0.1):
    "Warm-up, steps, then a cosine."
    print("epoch", epoch)
    if epoch < 5:
        return rate * (epoch + 1) / 5
    factor = 1.0
    for limit in [10, 20]:
        if epoch >= limit:
            factor *= 0.1
    if epoch > 30:
        return 0.5 * rate * (1 + math.cos(math.pi * epoch / 100))
    return rate * factor
"""


@given(epoch=st.integers(0, 100))
def test_a_schedule_is_computed_as_python_computes_it(tmp_path_factory, epoch):
    path = tmp_path_factory.getbasetemp() / "schedule.py"
    if not path.exists():
        path.write_text(SCHEDULE)
    script = read_script(path)
    names: dict = {}
    exec(SCHEDULE.replace("print", "(lambda *_: None)"), names)
    ours = call_function(script, script.functions["schedule"], [epoch])
    assert ours == names["schedule"](epoch)


@given(
    st.recursive(
        st.integers(-99, 99).map(str),
        lambda s: st.tuples(s, st.sampled_from("+-*"), s).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        max_leaves=8,
    )
)
def test_arithmetic_is_pythons(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "arithmetic.py"
    path.write_text(text)
    script = read_script(path)
    assert number(script, script.tree.body[0].value) == float(
        ast.literal_eval(repr(eval(text)))
    )
