"""Writes the tables of `docs/doctor/index.md` from the checks and their pages.

A title is the heading of a page; label and severities are read in the source, where
the check makes its finding.

    python scripts/doctor_index.py
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from residency.doctor.labels import LABELS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src/residency/doctor"
PAGES = ROOT / "docs/doctor"
INDEX = PAGES / "index.md"
ARRIVAL = SOURCE / "checks/transfer/arrival.py"
START, END = "<!-- codes -->", "<!-- end of codes -->"
SEVERITIES = ("error", "warning", "advice")
GROUPS = {
    "RD1": "Data",
    "RD2": "Model",
    "RD3": "Training",
    "RD4": "Pretrained networks",
    "RD50": "Curves of a run",
    "RD51": "Curves of a run",
    "RD52": "The first hundred steps",
    "RD6": "Scripts and notebooks",
}
"""Heading of the codes that begin so."""


class Found(NamedTuple):
    """What a check may say."""

    labels: set[str]
    severities: set[str]


def main() -> None:
    """Replaces what stands between the two marks."""
    text = INDEX.read_text(encoding="utf-8")
    INDEX.write_text(between_marks(text, lines()), encoding="utf-8")


def between_marks(text: str, new: Iterable[str]) -> str:
    """Returns a document with other lines between its two marks."""
    before, after = text.split(START)[0], text.split(END)[1]
    return "\n".join([before + START, *new, END]) + after


def lines() -> Iterator[str]:
    """Yields a table a group, with a row a code."""
    heading = ""
    for code, found in sorted(codes().items()):
        group = next(name for start, name in GROUPS.items() if code.startswith(start))
        if group != heading:
            heading = group
            yield from ("", f"## {group}", "")
            yield from ("| code | what | label | severity |", "|---|---|---|---|")
        severity = " to ".join(ends([s for s in SEVERITIES if s in found.severities]))
        names = ", ".join(f"`{label}`" for label in sorted(found.labels))
        yield f"| [{code}]({code}.md) | {title(code)} | {names} | {severity} |"
    yield ""


def ends(severities: list[str]) -> list[str]:
    """Returns the first and the last, once if they are one."""
    return list(dict.fromkeys((severities[0], severities[-1])))


def title(code: str) -> str:
    """Returns the heading of a code's page."""
    first = (PAGES / f"{code}.md").read_text(encoding="utf-8").splitlines()[0]
    return first.removeprefix(f"# {code}: ")


def codes() -> dict[str, Found]:
    """Returns what each code may say, read where its findings are made."""
    found: dict[str, Found] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for finding in calls(tree, "Finding"):
            given = {k.arg: k.value for k in finding.keywords}
            code = ast.literal_eval(given["code"])
            of_code = found.setdefault(code, Found(set(), set()))
            of_code.labels.update((words(given["label"]) or words(tree)) & {*LABELS})
            of_code.severities.update(severities(given["severity"], tree))
    return found


def severities(given: ast.expr, tree: ast.Module) -> set[str]:
    """Returns the severities that an expression may be: its own, else its file's."""
    if ast.unparse(given) == "arrival.severity":
        return arriving(words(tree, compared=True))
    return (words(given) or words(tree)) & {*SEVERITIES}


def arriving(kinds: set[str]) -> set[str]:
    """Returns the severities of arrivals of these kinds."""
    tree = ast.parse(ARRIVAL.read_text(encoding="utf-8"))
    arrivals = [a for a in calls(tree, "Arrival") if words(a.args[0]) & kinds]
    return set().union(*(words(a) & {*SEVERITIES} or {"warning"} for a in arrivals))


def calls(tree: ast.Module, name: str) -> list[ast.Call]:
    """Returns the calls of a name."""
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [call for call in found if ast.unparse(call.func) == name]


def words(node: ast.AST, *, compared: bool = False) -> set[str]:
    """Returns the strings in an expression, without those that it compares with."""
    if isinstance(node, ast.Compare) and not compared:
        return set()
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    inner = ast.iter_child_nodes(node)
    return set().union(*(words(each, compared=compared) for each in inner))


if __name__ == "__main__":
    main()
