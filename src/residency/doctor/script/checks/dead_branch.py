"""RD601: a branch for a random number that can never be drawn."""

import ast
from collections.abc import Iterator
from typing import cast

from residency.doctor.script.flow import Step, pipeline, plain_names
from residency.doctor.script.script import Script
from residency.doctor.script.values import number, value
from residency.records import Finding

EXCLUSIVE = ("uniform", "randint", "integers", "randrange", "stateless_uniform")
Range = tuple[float, float, str]


def check(script: Script) -> Iterator[Finding]:
    """Yields the choices with branches outside what the generator can draw."""
    dead: dict[tuple[str, Range], list[tuple[int, ast.Compare]]] = {}
    for node in script.walk(ast.Compare):
        compared = cast("ast.Compare", node)
        wanted = _wanted(script, compared)
        drawn = _drawn(script, compared.left) if wanted is not None else None
        if drawn is None or wanted is None or drawn[0] <= wanted < drawn[1]:
            continue
        key = script.text(compared.left), drawn
        dead.setdefault(key, []).append((int(wanted), compared))
    for (name, drawn), branches in dead.items():
        yield _finding(script, name, drawn, branches)


def _wanted(script: Script, node: ast.Compare) -> float | None:
    """Returns the smallest number for which the branch would run."""
    if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq | ast.GtE | ast.Gt):
        return None
    limit = number(script, node.comparators[0])
    return limit + 1 if limit is not None and isinstance(node.ops[0], ast.Gt) else limit


def _drawn(script: Script, left: ast.expr) -> Range | None:
    """Returns the half-open range that `left` was drawn from, and the call."""
    for step in reversed(pipeline(script, left)):
        found = _range(script, step)
        if found is not None:
            return found
    return None


def _range(script: Script, step: Step) -> Range | None:
    call, names = step.call, plain_names(script, step.names)
    if call.last not in EXCLUSIVE or call.name == "random.randint":
        return None
    if call.last == "uniform":
        dtype = call.argument("dtype", 3)
        if dtype is None or "int" not in ast.unparse(dtype):
            return None
        low, high = call.argument("minval", 1), call.argument("maxval", 2)
    else:
        low, high = call.argument("low", 0), call.argument("high", 1)
        if "endpoint" in call.keywords:
            return None
    if high is None:
        low, high = None, low
    bottom = 0.0 if low is None else value(script, low, names)
    top = value(script, high, names)
    if not isinstance(bottom, int | float) or not isinstance(top, int | float):
        return None
    return float(bottom), float(top), script.text(call.node)


def _finding(
    script: Script, name: str, drawn: Range, branches: list[tuple[int, ast.Compare]]
) -> Finding:
    low, high, call = drawn
    numbers = sorted({number for number, _ in branches})
    listed = ", ".join(map(str, numbers))
    return Finding(
        code="RD601",
        label="augmentation_ineffective",
        severity="warning",
        title=f"`{name}` is drawn from {low:.0f} to {high - 1:.0f}, so its branch for "
        f"{listed} never runs.",
        evidence={"draw": call, "largest": int(high - 1), "never": listed},
        why="The upper bound is exclusive. What is written in these branches has no "
        "effect, though it looks as if it had.",
        cure="Raise the upper bound by one."
        if numbers[-1] >= high
        else "Lower the lower bound.",
        snippet=f"# {call}\n# from {min(int(low), *numbers, int(low))} to "
        f"{max(int(high), numbers[-1] + 1)}, which is left out",
        effect="All branches are drawn equally often.",
        source=script.place(branches[0][1]),
    )
