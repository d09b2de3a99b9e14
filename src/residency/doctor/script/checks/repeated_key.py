"""RD630: a dictionary that gives the same key twice."""

import ast
from collections.abc import Iterator
from typing import cast

from residency.doctor.script.script import Script
from residency.records import Finding


def check(script: Script) -> Iterator[Finding]:
    """Yields the keys of a literal that replace one before them."""
    for node in script.walk(ast.Dict):
        literal = cast("ast.Dict", node)
        given: dict[str, ast.expr] = {}
        for key, value in zip(literal.keys, literal.values, strict=True):
            if key is None:  # **others may hold what follows as well
                given = {}
                continue
            if not isinstance(key, ast.Constant | ast.Name | ast.Attribute):
                continue
            name = ast.dump(key)
            if name in given:
                yield _finding(script, key, given[name], value)
            given[name] = value


def _finding(script: Script, key: ast.expr, first: ast.expr, last: ast.expr) -> Finding:
    same = ast.dump(first) == ast.dump(last)
    lost, kept = script.text(first), script.text(last)
    word = script.text(key)
    return Finding(
        code="RD630",
        label="redundant_code" if same else "config_not_applied",
        severity="advice" if same else "warning",
        title=f"The key {word} is given twice, with the same value."
        if same
        else f"The key {word} is given twice: {lost} is lost, {kept} is kept.",
        evidence={"key": word, "first": lost, "last": kept},
        why="Of two equal keys Python keeps the last. Perhaps one of them was meant "
        "to be another key, which is now missing.",
        cure="Delete one of the two, or give it the name it was meant to have.",
        snippet=f"{word}: {kept}",
        effect="The dictionary holds what it seems to hold.",
        confidence=1.0,
        source=script.place(key),
    )
