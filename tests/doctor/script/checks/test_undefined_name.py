import json
import re
from pathlib import Path

import pytest

from residency.doctor.script.checks.undefined_name import check
from residency.doctor.script.script import read_script

SCRIPTS = Path(__file__).parents[1] / "scripts" / "healthy"

SICK = (
    """\
learning_rate = 0.1
print(learnig_rate)
""",
    """\
print(missing)
""",
    """\
def f():
    return other


f()
""",
    """\
class A:
    size = 3

    def f(self):
        return size
""",
    """\
x = [n for n in range(3) if m]
""",
    """\
for i in xrange(3):
    pass
""",
    """\
def f():
    inner = 1


print(inner)
""",
    """\
from keras import layers

x = layers.Dense(units=count)(tensor)
""",
)
HEALTHY = (
    """\
from keras.layers import *

x = Dense(3)
""",
    """\
print(later)
later = 3
""",
    """\
def f():
    return later


later = 3
""",
    """\
def f():
    global made
    made = 1


f()
print(made)
""",
    """\
try:
    unicode
except NameError:
    unicode = str
""",
    """\
try:
    old = raw_input()
except NameError:
    old = input()
""",
    """\
try:
    import x
except ImportError as error:
    print(error)
""",
    """\
x = 1
del x
print(x)
""",
    """\
print([a + b for a, b in zip("ab", "cd")], lambda q: q)
""",
    """\
if (n := 3) > 2:
    print(n)
""",
    """\
match [1]:
    case [first, *rest]:
        print(first, rest)
""",
    """\
exec("a = 1")
print(a)
""",
    """\
globals()["a"] = 1
print(a)
""",
    """\
class A:
    def f(self):
        return __class__, super().__init__()
""",
    """\
print(__file__, __name__, __doc__, __builtins__)
""",
    """\
from __future__ import annotations


def f(x: Tensor) -> Tensor:
    return x
""",
    """\
with open("a") as file:
    print(file)
import os.path as p, sys
print(p, sys)
""",
    """\
def f(*args, **kwargs):
    def g():
        nonlocal args
        args = kwargs

    return g, args
""",
    """\
def f():
    nonlocal x
    return x
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []


def test_a_slip_is_an_error_and_a_piece_of_a_script_is_not(findings):
    (slip,) = findings(check, SICK[0])
    assert (slip.severity, slip.evidence["alike"]) == ("error", "learning_rate")
    (piece,) = findings(check, "train = 1\nmodel.fit(x_train, trian)")
    assert piece.severity == "advice"
    assert piece.evidence["names"] == "model, x_train, trian"


@pytest.mark.parametrize(
    ("name", "other"),
    [
        *(("x_train", "y_train"), ("conv1", "conv2"), ("image", "images")),
        *(("lr", "la"), ("train", "val_train"), ("height", "width"), ("base", "case")),
    ],
)
def test_names_that_are_alike_and_no_slip(findings, name, other):
    (found,) = findings(check, f"{other} = 1\nprint({name})")
    assert found.severity == "advice"


@pytest.mark.parametrize("word", ["lerning", "learnning", "leraning", "leavning"])
def test_one_letter_less_more_exchanged_or_wrong(findings, word):
    (found,) = findings(check, f"learning_rate = 1\nprint({word}_rate)")
    assert found.severity == "error"


def test_a_healthy_script_with_one_name_misspelt(findings):
    """Each name that a real script binds once on top and reads, misspelt there."""
    for path in sorted(SCRIPTS.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert findings(check, text) == [], path.stem
        for name in set(re.findall(r"^([a-z]{5,}) = ", text, re.MULTILINE)):
            broken = re.sub(rf"^{name} = ", f"{name[:-1]}q = ", text, flags=re.M)
            read = re.search(rf"(?<![\w.]){name}\b(?! ?=)", broken)
            found = findings(check, broken) if read else []
            names = [name] if read else []
            assert [f.evidence["names"] for f in found] == names, (path.stem, name)


@pytest.mark.parametrize(
    ("cell", "count"),
    [
        *(("%matplotlib inline", 1), ("!ls", 1), ("display(3)", 1)),
        *(("%run other.py", 0), ("%%time\nx = 1", 0)),
    ],
)
def test_magic_of_a_notebook_may_define_names(tmp_path, cell, count):
    path = tmp_path / "book.ipynb"
    cells = [{"cell_type": "code", "source": [part]} for part in (cell, "print(x)")]
    path.write_text(json.dumps({"cells": cells}))
    assert len([*check(read_script(path))]) == count
