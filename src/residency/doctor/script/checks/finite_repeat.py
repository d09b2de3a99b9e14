"""RD619: a dataset that ends before the training does."""

import ast
from collections.abc import Iterator

from residency.doctor.script.bindings import FUNCTIONS
from residency.doctor.script.flow import fits, pipeline
from residency.doctor.script.script import Script
from residency.doctor.script.values import UNKNOWN, number, value
from residency.records import Finding


def check(script: Script) -> Iterator[Finding]:
    """Yields `repeat(10)` in a training of 80 epochs that counts its steps."""
    for fit in fits(script):
        planned = number(script, fit.argument("epochs"))
        if planned is not None and "steps_per_epoch" in fit.keywords:
            yield from _short(script, fit.argument("x", 0), int(planned))
    for call in script.calls:
        if call.name == "next" and call.node.args:
            planned = _epochs_around(script, call.node)
            if planned is not None:
                yield from _short(script, call.node.args[0], planned)


def _epochs_around(script: Script, node: ast.AST) -> int | None:
    """Returns how often the loop over epochs around `node` turns."""
    for ancestor in script.ancestors(node):
        if isinstance(ancestor, FUNCTIONS):
            return None
        if isinstance(ancestor, ast.For) and "epoch" in ast.unparse(ancestor.target):
            turns = value(script, ancestor.iter)
            return None if turns is UNKNOWN else len(turns)
    return None


def _short(script: Script, data: ast.expr | None, planned: int) -> Iterator[Finding]:
    steps = [step.call for step in pipeline(script, data)]
    repeats = [call for call in steps if call.method == "repeat"]
    if not repeats:
        return
    passes = number(script, repeats[-1].argument("count", 0))
    if passes is None or not 0 < passes < planned:
        return
    yield Finding(
        code="RD619",
        label="data_runs_out",
        severity="warning",
        title=f"The data repeat {passes:.0f} times, the training plans {planned} "
        "epochs.",
        evidence={"passes": int(passes), "epochs": planned},
        why="If an epoch is one pass, the data end after "
        f"{passes:.0f} of {planned} epochs: training stops there, and the later drops "
        "of the rate never come.",
        cure="Repeat without end, or leave both out: Keras passes over the data once "
        "an epoch.",
        snippet="dataset = dataset.repeat()",
        effect="The training runs to its end.",
        confidence=0.8,
        source=script.place(repeats[-1].node),
    )
