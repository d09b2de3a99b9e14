"""RD611: names of metrics that the history does not have."""

import ast
from collections.abc import Iterator

from residency.doctor.script.script import Script
from residency.doctor.script.training import is_legacy, metrics
from residency.doctor.script.values import value
from residency.records import Finding

WATCHERS = ("EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau")
OTHER = {"acc": "accuracy", "accuracy": "acc"}


def check(script: Script) -> Iterator[Finding]:
    """Yields `history["acc"]` where `metrics=["accuracy"]`, and callbacks that wait
    for such a name."""
    known = metrics(script)
    if known is None or is_legacy(script):
        return
    for node in script.walk(ast.Subscript):
        if isinstance(node, ast.Subscript) and _is_history(script, node.value):
            key = value(script, node.slice)
            if isinstance(key, str) and _is_missing(key, known):
                yield _finding(script, node, key, "error", "stops with a KeyError")
    for call in script.calls:
        key = value(
            script, call.argument("monitor", 1 if call.last == "ModelCheckpoint" else 0)
        )
        if call.keras in WATCHERS and isinstance(key, str) and _is_missing(key, known):
            does = f"`{call.last}` never acts: it only warns"
            yield _finding(script, call.node, key, "warning", does)


def _is_history(script: Script, expression: ast.expr) -> bool:
    if isinstance(expression, ast.Attribute):
        return expression.attr == "history"
    origin = script.origin(expression)
    return isinstance(origin, ast.Attribute) and origin.attr == "history"


def _is_missing(key: str, known: set[str]) -> bool:
    plain = key.removeprefix("val_")
    return plain in OTHER and plain not in known and OTHER[plain] in known


def _finding(
    script: Script, node: ast.AST, key: str, severity: str, does: str
) -> Finding:
    prefix, plain = ("val_" if key.startswith("val_") else ""), key.removeprefix("val_")
    right = prefix + OTHER[plain]
    return Finding(
        code="RD611",
        label="api_changed" if severity == "error" else "config_not_applied",
        severity=severity,
        title=f"There is no '{key}': the metric is compiled as '{OTHER[plain]}', so it "
        f"is called '{right}' and the script {does}."
        if severity == "error"
        else f"There is no '{key}' to watch (it is '{right}'): {does}.",
        evidence={"key": key, "there": right},
        why="Today a metric is recorded under the name it was compiled with; old Keras "
        "shortened it.",
        cure=f"Write '{right}'.",
        snippet=repr(right),
        effect="The curve is found, and the callback acts.",
        source=script.place(node),
    )
