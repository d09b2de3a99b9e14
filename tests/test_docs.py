"""Every example runs: the `>>>` of each module, the Python blocks of the documents."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import residency

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(residency.__path__, "residency.")
    if not module.name.endswith("__main__")
)
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): BLOCK.findall(path.read_text(encoding="utf-8"))
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
}


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module(name):
    found = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert found.failed == 0


@pytest.mark.parametrize("document", [d for d, blocks in DOCUMENTS.items() if blocks])
def test_python_blocks_of_a_document(document, tmp_path, monkeypatch):
    """Runs the blocks in order, as one program, where they may write."""
    monkeypatch.chdir(tmp_path)
    names = {"__name__": document}
    for number, block in enumerate(DOCUMENTS[document], start=1):
        exec(compile(block, f"{document}, block {number}", "exec"), names)


def test_the_readme_shows_python():
    assert DOCUMENTS["README.md"]
