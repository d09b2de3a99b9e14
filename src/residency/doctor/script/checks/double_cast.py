"""RD631: a value is cast to the type that it was just cast to."""

import ast
from collections.abc import Iterator

from residency.doctor.script.bindings import start_of
from residency.doctor.script.script import Call, Script
from residency.records import Finding

FUNCTIONS = ("tensorflow.cast", "keras.ops.cast", "keras.backend.cast")


def check(script: Script) -> Iterator[Finding]:
    """Yields `cast(cast(x, float32), float32)`, on one line or on two."""
    for call in script.calls:
        value, kind = _cast(script, call)
        before = _made_by(script, call, value) if kind else None
        if before is not None and _cast(script, before)[1] == kind:
            yield _finding(script, call, kind)


def _cast(script: Script, call: Call) -> tuple[ast.expr | None, str]:
    """Returns what is cast, and the name of the type; `""`: this is no cast."""
    if call.imported and call.name in FUNCTIONS:
        given = call.argument("dtype", 1)
        value = call.node.args[0] if call.node.args else None
    elif call.method == "astype":
        given, value = call.argument("dtype", 0), call.receiver
    else:
        return None, ""
    return value, _type(script, given)


def _type(script: Script, given: ast.expr | None) -> str:
    """Returns `"float32"` for `tf.float32`, `np.float32` and `"float32"`."""
    if isinstance(given, ast.Constant):
        return given.value if isinstance(given.value, str) else ""
    return script.qualified(given).rpartition(".")[2]


def _made_by(script: Script, call: Call, value: ast.expr | None) -> Call | None:
    """Returns the call that surely made `value`: there, or above in its block."""
    if isinstance(value, ast.Call):
        return script.call(value)
    if not isinstance(value, ast.Name):
        return None
    latest = next(iter(script.candidates(value)), None)
    if latest is None or latest.index is not None or latest.end > start_of(value):
        return None
    here = next(a for a in script.ancestors(call.node) if isinstance(a, ast.stmt))
    together = script.parents.get(latest.node) is script.parents.get(here)
    is_plain = isinstance(latest.node, ast.Assign) and together
    made = latest.value if is_plain else None
    return script.call(made) if isinstance(made, ast.Call) else None


def _finding(script: Script, call: Call, kind: str) -> Finding:
    return Finding(
        code="RD631",
        label="redundant_code",
        severity="advice",
        title=f"`{script.text(call.node)}` casts to {kind} what is {kind} already.",
        evidence={"type": kind, "code": script.text(call.node)},
        why="The second cast changes nothing. Where it was meant to do something, "
        "such as scaling to 0..1, that is missing.",
        cure="Delete one of the two.",
        snippet=f"tf.image.convert_image_dtype(image, tf.{kind})  # scales integers",
        effect="The script says what it does.",
        confidence=0.95,
        source=script.place(call.node),
    )
