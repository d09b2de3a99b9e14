"""Imports go downwards only: the rooms of `src/residency` and who may see whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "residency"
FILES = sorted(path.relative_to(SRC) for path in SRC.rglob("*.py"))

STEPS = (
    ("_backend", "errors", "records", "files"),
    ("config",),
    ("layers", "data", "training", "report"),
    ("models",),
    ("engine", "recipes"),
    ("doctor",),
    ("run", "export"),
    ("cli", "__main__", "__init__"),
)
"""A room sees the steps before its own, and nothing of its own step."""

SIDEWAYS = {("files", "errors"), ("data", "layers"), ("training", "layers")}
SIDEWAYS |= {("__main__", "cli")}

RUN = {f.stem for f in FILES if len(f.parts) == 1}
RUN -= {"__init__", "__main__", "_backend", "errors", "records", "files"}
"""`run.py` and the files beside it are the one room `run`."""

TORCH = ("engine/", "export/", "data/torch/")
KERAS = ("layers/", "models/", "engine/", "doctor/", "export/")
KERAS += tuple(f"{name}.py" for name in RUN)


def room(name: str) -> str:
    return "run" if name in RUN else name


def imports(file: Path) -> Iterator[str]:
    """Yields the modules that a file imports anywhere, inside functions too."""
    for node in ast.walk(ast.parse((SRC / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where they lead"
            if node.module == "residency":
                yield from (f"residency.{alias.name}" for alias in node.names)
            else:
                yield str(node.module)


def seen_rooms(file: Path) -> set[str]:
    """Returns the rooms a file sees; `__version__` and `_backend` are anyone's."""
    modules = [name.split(".") for name in imports(file)]
    inside = {room(m[1]) for m in modules if m[0] == "residency" and len(m) > 1}
    return inside - {"__version__", "_backend"}


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_room_sees_lower_rooms_only(file):
    here = room(file.parts[0].removesuffix(".py"))
    step = next(n for n, rooms in enumerate(STEPS) if here in rooms)
    below = {name for rooms in STEPS[:step] for name in rooms}
    beside = {there for me, there in SIDEWAYS if me == here}
    assert seen_rooms(file) - {here} <= below | beside


@pytest.mark.parametrize(("library", "homes"), [("torch", TORCH), ("keras", KERAS)])
def test_heavy_libraries_stay_at_home(library, homes):
    users = [f for f in FILES if library in {m.split(".")[0] for m in imports(f)}]
    assert [f for f in users if not f.as_posix().startswith(homes)] == []


def test_every_file_has_a_telling_name():
    nameless = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [file for file in FILES if nameless & set(file.with_suffix("").parts)] == []
