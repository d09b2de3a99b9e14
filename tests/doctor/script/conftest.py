from collections.abc import Callable
from pathlib import Path

import pytest

from residency.doctor.script.script import Script, read_script
from residency.records import Finding


@pytest.fixture
def parsed(tmp_path: Path) -> Callable[[str], Script]:
    """Returns a function that parses a text as a script."""

    def read(text: str) -> Script:
        path = tmp_path / "script.py"
        path.write_text(text, encoding="utf-8")
        return read_script(path)

    return read


@pytest.fixture
def findings(parsed) -> Callable[..., list[Finding]]:
    """Returns a function that runs one check over a text."""

    def run(check: Callable, text: str) -> list[Finding]:
        return list(check(parsed(text)))

    return run
