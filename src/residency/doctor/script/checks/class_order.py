"""RD622: class numbers that depend on the order a folder is listed in."""

import ast
from collections.abc import Iterator
from typing import cast

from residency.doctor.script.script import Script
from residency.records import Finding

LISTS = ("glob", "iglob", "listdir", "iterdir", "scandir")
WORDS = ("class", "label", "categor", "species", "breed")


def check(script: Script) -> Iterator[Finding]:
    """Yields lists of classes that are read from a folder and never sorted."""
    for node in script.walk(ast.Assign):
        assign = cast("ast.Assign", node)
        target = assign.targets[0]
        if not isinstance(target, ast.Name) or not _is_classes(target.id):
            continue
        listing = _listing(script, assign.value)
        if listing and not _is_sorted(script, assign.value, target.id):
            yield Finding(
                code="RD622",
                label="class_order_unstable",
                severity="warning",
                title=f"`{target.id}` comes from `{listing}` in no fixed order.",
                evidence={"name": target.id, "listing": listing},
                why="The order of a listing differs between machines and file systems. "
                "The model's output 3 is then another class at prediction than in "
                "training.",
                cure="Sort the names, and store them with the model.",
                snippet=f"{target.id} = sorted({script.text(assign.value)})",
                effect="The same class has the same number everywhere.",
                confidence=0.85,
                source=script.place(assign),
            )


def _is_classes(name: str) -> bool:
    return any(word in name.lower() for word in WORDS)


def _listing(script: Script, expression: ast.expr) -> str:
    """Returns the name of the listing function that makes the items, or `""`."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Call) and script.call(node).last in LISTS:
            return script.text(node)
        if isinstance(node, ast.Name) and isinstance(expression, ast.ListComp):
            origin = script.origin(node)
            if isinstance(origin, ast.Call) and script.call(origin).last in LISTS:
                return script.text(origin)
    return ""


def _is_sorted(script: Script, expression: ast.expr, name: str) -> bool:
    inside = [script.call(n) for n in ast.walk(expression) if isinstance(n, ast.Call)]
    if any(
        call.last in ("sorted", "unique", "natsorted", "len", "set") for call in inside
    ):
        return True
    for call in script.calls:
        sorts = call.method == "sort" and ast.unparse(call.receiver) == name
        arguments = [ast.unparse(a) for a in call.node.args]
        if sorts or (
            call.last in ("sorted", "sort", "natsorted") and name in arguments
        ):
            return True
    return False
