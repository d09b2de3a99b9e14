"""`tests/` mirrors `src/`: a test file lies where the file it tests lies."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SRC = TESTS.parent / "src" / "residency"

APART = ("contracts", "golden", "integration")
"""Folders of tests that cut across files."""

HOUSE = ("docs", "exports", "layering", "messages", "mirror")
"""Tests of the whole project, `tests/test_NAME.py`."""


@pytest.mark.parametrize(
    "test",
    sorted(path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")),
    ids=str,
)
def test_every_test_file_has_its_source_file(test):
    tested = test.with_name(test.name.removeprefix("test_"))
    is_house = len(test.parts) == 1 and tested.stem in HOUSE
    assert test.parts[0] in APART or is_house or (SRC / tested).is_file()
