import json

import pytest

from residency.doctor.script.source import parse, read_source
from residency.errors import DataError


def test_a_notebooks_cells_are_one_script(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["# title"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!ls\n", "a = 1"]},
        {"cell_type": "code", "source": ["%%bash\n", "rm -r x"]},
        {"cell_type": "code", "source": ["if a:\n", "    %time b = 2\n", "c = 3"]},
    ]
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    source = read_source(path)
    assert source.text.splitlines() == [
        *("pass", "pass", "a = 1"),
        *("if a:", "    pass", "c = 3"),
    ]
    assert source.places[-1] == "book.ipynb, code cell 3, line 3"
    parse(source)


def test_a_script_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("x = 1\n", encoding="utf-8-sig")
    assert read_source(path).text == "x = 1\n"
    assert read_source(path).places == ("a.py:1",)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ipynb", b"{}"),
        ("b.ipynb", b"no json"),
        ("c.py", b"\xff\xfe\x00"),
        ("d.py", None),
    ],
)
def test_what_cannot_be_read_says_so(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read as a script"):
        read_source(tmp_path / name)


def test_an_empty_or_broken_text(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("\n\nx = (\n")
    with pytest.raises(DataError, match=r"a\.py:3"):
        parse(read_source(path))
