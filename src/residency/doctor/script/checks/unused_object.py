"""RD606: an optimizer, loss or callback that is built and never used."""

import ast
from collections.abc import Iterator
from typing import cast

from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import number, value
from residency.doctor.script.vocabulary import (
    CALLBACKS,
    DEFAULT_RATE,
    LOSSES,
    OPTIMIZERS,
)
from residency.records import Finding

KINDS = {
    **dict.fromkeys(OPTIMIZERS, "optimizer"),
    **dict.fromkeys(LOSSES, "loss"),
    **dict.fromkeys(CALLBACKS, "callbacks"),
}


def check(script: Script) -> Iterator[Finding]:
    """Yields what a training script builds and never mentions again."""
    methods = {call.method for call in script.calls}
    if not methods & {"compile", "fit", "fit_generator"}:
        return  # perhaps used by the module that imports this one
    names = (cast("ast.Name", n) for n in script.walk(ast.Name))
    used = {n.id for n in names if isinstance(n.ctx, ast.Load)} | _public(script)
    for node in script.walk(ast.Assign):
        target, given = _single(cast("ast.Assign", node))
        built = _built(script, given)
        if target is not None and built is not None and target.id not in used:
            yield _finding(script, target.id, built, KINDS[built.keras])


def _single(node: ast.Assign) -> tuple[ast.Name | None, ast.expr]:
    target = node.targets[0]
    plain = len(node.targets) == 1 and isinstance(target, ast.Name)
    return (cast("ast.Name", target) if plain else None), node.value


def _built(script: Script, given: ast.expr) -> Call | None:
    """Returns the call that builds the object, the first one of a list."""
    items = given.elts if isinstance(given, ast.List | ast.Tuple) else [given]
    calls = [script.call(item) for item in items if isinstance(item, ast.Call)]
    return next((call for call in calls if call.keras in KINDS), None)


def _public(script: Script) -> set[str]:
    bound = script.bindings.get((script.tree, "__all__"), [])
    listed = value(script, bound[0].value) if bound else ()
    return set(listed) if isinstance(listed, list | tuple) else set()


def _finding(script: Script, name: str, built: Call, kind: str) -> Finding:
    method = "fit" if kind == "callbacks" else "compile"
    instead = _instead(script, kind)
    what = f"`{name} = {script.text(built.node)}`"
    return Finding(
        code="RD606",
        label="config_not_applied",
        severity="warning",
        title=f"{what} is built and never used{instead}.",
        evidence={
            "name": name,
            "built": script.text(built.node),
            "instead": instead.strip("; "),
        },
        why="The settings look as if they acted, and do not: conclusions drawn from "
        "the run are about other settings.",
        cure=f"Pass it to `{method}`, or delete it.",
        snippet=f"model.{method}(..., {kind}="
        + (f"[{name}])" if kind == "callbacks" else f"{name})"),
        effect="The settings act.",
        source=script.place(built.node),
    )


def _instead(script: Script, kind: str) -> str:
    """Returns in words what is compiled instead."""
    if kind == "callbacks":
        return ""
    position = {"optimizer": 0, "loss": 1}[kind]
    for call in script.calls:
        if call.method == "compile":
            given = call.argument(kind, position)
            return (
                ""
                if given is None
                else f"; {script.text(given)}{_rate(script, given)} is compiled"
            )
    return ""


def _rate(script: Script, given: ast.expr) -> str:
    word = value(script, given)
    rates = {name.lower(): rate for name, rate in DEFAULT_RATE.items()}
    if isinstance(word, str) and word.lower() in rates:
        return f" with its learning rate of {rates[word.lower()]:g}"
    call = script.call_of(given)
    rate = number(script, call.argument("learning_rate", 0)) if call else None
    return f" with a learning rate of {rate:g}" if rate is not None else ""
