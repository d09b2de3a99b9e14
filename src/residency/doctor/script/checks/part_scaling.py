"""RD626: training and validation images are scaled differently."""

import ast
from collections.abc import Iterator

from residency.doctor.script.flow import fits, pipeline
from residency.doctor.script.scaling import divisor
from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import UNKNOWN, value
from residency.records import Finding

FIXED = ("rescale", "preprocessing_function", "featurewise_center", "samplewise_center")
FIXED += ("featurewise_std_normalization", "samplewise_std_normalization")


def check(script: Script) -> Iterator[Finding]:
    """Yields fits whose two parts go through different fixed preprocessing."""
    for fit in fits(script):
        data, held_out = fit.argument("x", 0), fit.argument("validation_data")
        if held_out is not None:
            yield from _generators(script, data, held_out)
            yield from _arrays(script, data, held_out)


def _generators(
    script: Script, data: ast.expr | None, held_out: ast.expr
) -> Iterator[Finding]:
    one, other = _generator(script, data), _generator(script, held_out)
    if one is None or other is None or one.node is other.node:
        return
    first, second = _fixed(script, one), _fixed(script, other)
    if first != second:
        said = f"training by ({_shown(first)}), validation by ({_shown(second)})"
        yield _finding(script, other.node, said, _shown(first), _shown(second))


def _generator(script: Script, data: ast.expr | None) -> Call | None:
    steps = [s.call for s in pipeline(script, data)]
    return next((c for c in steps if c.last == "ImageDataGenerator"), None)


def _fixed(script: Script, generator: Call) -> dict[str, str]:
    if any(k.arg is None for k in generator.node.keywords):
        return {"**": "unknown"}
    given = {n: generator.argument(n) for n in FIXED}
    acting = {n: e for n, e in given.items() if e is not None and _acts(script, e)}
    return {n: _value(script, e) for n, e in acting.items()}


def _acts(script: Script, expression: ast.expr) -> bool:
    known = value(script, expression)
    return known is UNKNOWN or bool(known)


def _value(script: Script, expression: ast.expr) -> str:
    known = value(script, expression)
    return script.text(expression) if known is UNKNOWN else f"{known}"


def _shown(fixed: dict[str, str]) -> str:
    return ", ".join(f"{n}={v}" for n, v in fixed.items()) or "nothing"


def _arrays(
    script: Script, data: ast.expr | None, held_out: ast.expr
) -> Iterator[Finding]:
    """Yields `x_train / 255` beside an `x_test` that stays as it was loaded."""
    images = (
        held_out.elts[0] if isinstance(held_out, ast.Tuple) and held_out.elts else None
    )
    if not isinstance(data, ast.Name) or not isinstance(images, ast.Name):
        return
    by = [b for d in _scalings(script, data.id) if (b := d)]
    if by and not _is_touched(script, images.id) and _is_loaded(script, images):
        said = f"`{data.id}` is divided by {by[0]:g}, `{images.id}` is not"
        yield _finding(script, held_out, said, f"/ {by[0]:g}", "nothing")


def _scalings(script: Script, name: str) -> list[float]:
    found = [b for (_, n), bound in script.bindings.items() if n == name for b in bound]
    nodes = [n for b in found if b.value is not None for n in ast.walk(b.value)]
    return [by for n in nodes if (by := divisor(script, n)) is not None]


def _is_touched(script: Script, name: str) -> bool:
    """Tells whether a name is bound again, or changed in place, after it is loaded."""
    found = [b for (_, n), bound in script.bindings.items() if n == name for b in bound]
    stored = (n for n in ast.walk(script.tree) if isinstance(n, ast.Subscript))
    in_place = any(
        isinstance(n.ctx, ast.Store) and ast.unparse(n.value) == name for n in stored
    )
    looped = any(
        name in ast.unparse(n.iter)
        for n in ast.walk(script.tree)
        if isinstance(n, ast.For)
    )
    return len(found) > 1 or in_place or looped


def _is_loaded(script: Script, name: ast.Name) -> bool:
    """Tells whether a name is one of the arrays that `load_data()` returns."""
    nodes = (n for n in ast.walk(script.tree) if isinstance(n, ast.Assign))
    return any(
        name.id in ast.unparse(n.targets[0]) and "load_data(" in ast.unparse(n.value)
        for n in nodes
    )


def _finding(script: Script, node: ast.AST, said: str, one: str, other: str) -> Finding:
    return Finding(
        code="RD626",
        label="train_val_preprocess_mismatch",
        severity="error",
        title=f"The parts are scaled differently: {said}.",
        evidence={"training": one, "validation": other},
        why="The network is validated on numbers it has never seen: validation stays "
        "at chance while training goes well.",
        cure="Prepare both parts alike.",
        snippet="x_train, x_test = x_train / 255.0, x_test / 255.0",
        effect="Validation follows training.",
        confidence=0.9,
        source=script.place(node),
    )
