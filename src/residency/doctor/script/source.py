"""The text of a script or notebook, and where each of its lines stands."""

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from residency.errors import DataError

MAGIC = re.compile(r"^(\s*)([%!].*|[\w.]+\?\??)$")
"""A line that only a notebook understands: `%matplotlib inline`, `!ls`, `x?`."""

HARMLESS = re.compile(
    r"^\s*(!|%(matplotlib|config|load_ext|reload_ext|autoreload|cd|pip|conda)\b|[\w.]+\?)"
)
"""Magic that gives no name a value; what `%run` does is not in the text."""


@dataclass(frozen=True, slots=True)
class Source:
    """Python text, whole."""

    path: Path
    text: str
    places: tuple[str, ...]
    """Of each line, such as `"train.py:12"`."""
    whole: bool = True
    """Whether all that could define a name was read; magic of a notebook may not be."""


def read_source(path: str | Path) -> Source:
    """Returns the text of a `.py` file, or of the code cells of an `.ipynb` file.

    Raises:
        DataError: The file cannot be read.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".ipynb":
            return _notebook(path, json.loads(text))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError(
            f"{path}: cannot be read as a script ({type(error).__name__}: {error}). "
            "Pass a .py file or a notebook."
        ) from error
    lines = text.splitlines()
    return Source(path, text, tuple(f"{path.name}:{n}" for n, _ in enumerate(lines, 1)))


def parse(source: Source) -> ast.Module:
    """Returns the syntax tree of `source`.

    Raises:
        DataError: The text is no Python 3.
    """
    try:
        return ast.parse(source.text)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 1
        place = source.places[min(line, len(source.places)) - 1]
        raise DataError(
            f"{place}: is no Python 3 ({getattr(error, 'msg', None) or error}). "
            "Mend the line, then ask again."
        ) from error


def _notebook(path: Path, notebook: Any) -> Source:
    lines: list[str] = []
    places: list[str] = []
    whole = True
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, 1):
        text = "".join(cell["source"])
        if text.lstrip().startswith("%%"):  # another language, or a whole-cell magic
            whole = False
            continue
        for row, line in enumerate(text.splitlines(), 1):
            whole &= not MAGIC.match(line) or bool(HARMLESS.match(line))
            lines.append(MAGIC.sub(r"\1pass", line))
            places.append(f"{path.name}, code cell {number}, line {row}")
    return Source(path, "\n".join(lines) + "\n", tuple(places), whole)
