"""RD612: a number of steps that is a fraction."""

import ast
from collections.abc import Iterator

from residency.doctor.script.script import Script
from residency.doctor.script.values import UNKNOWN, value
from residency.records import Finding

STEPS = ("steps_per_epoch", "validation_steps", "steps")
METHODS = (
    "fit",
    "fit_generator",
    "evaluate",
    "predict",
    "evaluate_generator",
    "predict_generator",
)


def check(script: Script) -> Iterator[Finding]:
    """Yields `steps_per_epoch=images / batch_size` and the like."""
    for call in script.calls:
        for name in STEPS if call.method in METHODS else ():
            given = call.keywords.get(name)
            if given is not None and _is_float(script, given):
                known = value(script, given)
                shown = f" = {known:g}" if isinstance(known, float) else ""
                yield Finding(
                    code="RD612",
                    label="api_changed",
                    severity="error",
                    title=f"`{name}={script.text(given)}`{shown} is a float: Keras 3 "
                    "stops with a TypeError.",
                    evidence={"argument": name, "given": script.text(given)},
                    why="A number of steps is a whole number; older versions rounded.",
                    cure="Divide without remainder, or leave it out: Keras counts.",
                    snippet=f"{name}={_whole(script, given)}",
                    effect="The script runs; each epoch has the steps that were meant.",
                    source=script.place(given),
                )


def _is_float(script: Script, given: ast.expr) -> bool:
    origin = script.origin(given)
    known = value(script, given)
    if known is not UNKNOWN:
        return isinstance(known, float)
    if isinstance(origin, ast.BinOp):
        return isinstance(origin.op, ast.Div)
    call = script.call_of(origin)
    return call is not None and call.name in (
        "numpy.ceil",
        "numpy.floor",
        "numpy.round",
    )


def _whole(script: Script, given: ast.expr) -> str:
    origin = script.origin(given)
    if isinstance(origin, ast.BinOp):
        return f"{script.text(origin.left)} // {script.text(origin.right)}"
    return f"int({script.text(given)})"
