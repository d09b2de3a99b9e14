"""RD633: settings on top of a script that nothing reads."""

import ast
from collections.abc import Iterator
from typing import cast

from residency.doctor.script.script import Script
from residency.doctor.script.values import UNKNOWN, value
from residency.records import Finding

SETTINGS = {"batch_size", "epochs", "num_epochs", "nb_epoch", "learning_rate", "lr"}
SETTINGS |= {"dropout", "dropout_rate", "weight_decay", "momentum", "use_bn", "decay"}
SETTINGS |= {"num_classes", "nb_classes", "img_size", "image_size", "steps_per_epoch"}
SETTINGS |= {"label_smoothing", "patience", "validation_split", "data_augmentation"}
"""Names that are settings in small letters, too."""
READING = {"exec", "eval", "globals", "locals", "vars", "getattr", "import_module"}


def check(script: Script) -> Iterator[Finding]:
    """Yields all settings of a training script that are bound and never read."""
    methods = {call.method for call in script.calls}
    if not methods & {"compile", "fit", "fit_generator"}:
        return  # perhaps a module of settings
    read = _read(script)
    if read & READING:
        return
    unused = [
        (name, node)
        for (scope, name), bound in script.bindings.items()
        if scope is script.tree and _is_setting(name) and name not in read
        for node in [bound[0].node]
        if all(_is_plain(script, each.node, each.value) for each in bound)
    ]
    if unused:
        yield _finding(script, unused)


def _read(script: Script) -> set[str]:
    """Returns the names, attributes and words that occur anywhere in the script."""
    found: set[str] = set()
    for node in script.nodes:
        match node:
            case ast.Name(ctx=ast.Load()):
                found.add(node.id)
            case ast.Attribute():
                found.add(node.attr)
            case ast.Constant(value=str() as text):
                found.update(text.split())
            case _:
                pass
    return found


def _is_setting(name: str) -> bool:
    loud = name.isupper() and len(name) > 1 and not name.startswith("_")
    return loud or name in SETTINGS


def _is_plain(script: Script, node: ast.AST, given: ast.expr | None) -> bool:
    """Tells whether `node` is `NAME = 0.2`: one name, one plain value."""
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return False
    known = value(script, given)
    return known is not UNKNOWN and isinstance(known, bool | int | float | str)


def _finding(script: Script, unused: list[tuple[str, ast.AST]]) -> Finding:
    names = [name for name, _ in unused]
    first = cast("ast.stmt", unused[0][1])
    several = len(names) > 1
    listed = ", ".join(f"`{name}`" for name in names[:6])
    return Finding(
        code="RD633",
        label="config_not_applied",
        severity="advice",
        title=f"{listed} {'are' if several else 'is'} set and never read.",
        evidence={"names": ", ".join(names), "count": len(names)},
        why="Who changes such a setting changes nothing, and may believe that it "
        "makes no difference.",
        cure="Use the name where its value is meant, or delete the line.",
        snippet=script.text(first),
        effect="What stands on top of the script is what it does.",
        confidence=0.9,
        source=script.place(first),
    )
