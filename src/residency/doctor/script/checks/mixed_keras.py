"""RD613: two Keras in one program."""

import ast
from collections.abc import Iterator

from residency.doctor.script.script import Script
from residency.records import Finding

KINDS = ("tensorflow.python.keras", "tensorflow.keras", "tf_keras", "keras")


def check(script: Script) -> Iterator[Finding]:
    """Yields a script that takes parts from `keras` and from `tensorflow.keras`."""
    first: dict[str, ast.AST] = {}
    for node, name in _modules(script):
        kind = next((k for k in KINDS if name == k or name.startswith(f"{k}.")), None)
        if kind is not None:
            first.setdefault(kind, node)
    if len(first) < 2:
        return
    kinds = list(first)
    severe = {"tf_keras", "tensorflow.python.keras"} & set(kinds)
    yield Finding(
        code="RD613",
        label="mixed_keras",
        severity="warning",
        title=f"The script takes parts from {' and from '.join(kinds)}.",
        evidence={"modules": ", ".join(kinds), "first": script.place(first[kinds[0]])},
        why="They can be different versions with different classes. A layer of one in "
        "a model of the other fails with messages that name neither.",
        cure="Import everything from `keras`.",
        snippet="import keras\nfrom keras import layers, models, optimizers",
        effect="One set of classes, one version, and any backend.",
        confidence=0.9 if severe else 0.7,
        source=script.place(first[kinds[1]]),
    )


def _modules(script: Script) -> Iterator[tuple[ast.AST, str]]:
    for node in script.walk(ast.Import, ast.ImportFrom, ast.Attribute):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield from ((node, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Attribute):
            written, imported = script.dotted(node)
            if imported and written.startswith(("tensorflow.keras", "keras")):
                yield node, written
