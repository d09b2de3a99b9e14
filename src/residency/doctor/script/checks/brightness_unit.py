"""RD604: a brightness shift meant for 0..1 on an image in 0..255."""

import ast
from collections.abc import Iterator, Sequence

from residency.doctor.script.flow import mapped, operations, pipeline
from residency.doctor.script.scaling import READERS, divisor, makes_float
from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import number, numbers
from residency.records import Finding

Operations = Sequence[ast.Call | ast.BinOp]
SHIFTS = ("random_brightness", "stateless_random_brightness", "adjust_brightness")


def check(script: Script) -> Iterator[Finding]:
    """Yields shifts of brightness by a fraction of one grey value."""
    for call in script.calls:
        if call.last not in SHIFTS or not call.name.startswith("tensorflow.image."):
            continue
        delta = number(script, call.argument("max_delta", 1) or call.argument("delta"))
        if delta is None or not 0 < abs(delta) <= 1:
            continue
        before, after = _around(script, call)
        if _is_raw_float(script, before, after):
            yield _finding(script, call, delta)


def _around(script: Script, call: Call) -> tuple[Operations, Operations]:
    """Returns what happens to the image before the call, and after it."""
    flow: list[ast.Call | ast.BinOp] = []
    for other in script.calls:
        if other.method == "map":
            steps = [mapped(script, step) for step in pipeline(script, other.node)]
            done = [op for f in steps if f is not None for op in operations(script, f)]
            flow = done if call.node in done and len(done) > len(flow) else flow
    flow = flow or list(operations(script, script.function(call.node) or script.tree))
    place = flow.index(call.node) if call.node in flow else 0
    return flow[:place], flow[place + 1 :]


def _is_raw_float(script: Script, before: Operations, after: Operations) -> bool:
    """Tells whether the image is surely of floats in 0..255 at that point."""
    calls = [script.call(op) for op in before if isinstance(op, ast.Call)]
    scaled = any(divisor(script, op) for op in before)
    scaled |= any("standardization" in c.last or "preprocess" in c.last for c in calls)
    is_float = any(makes_float(c) for c in calls)
    read = any(c.last in READERS for c in calls)
    scaled_later = any(divisor(script, op) or _takes_mean(script, op) for op in after)
    return is_float and not scaled and (read or scaled_later)


def _takes_mean(script: Script, node: ast.expr) -> bool:
    """Tells whether `node` subtracts means that belong to 0..255."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub):
        return False
    means = numbers(script, node.right) or _constants(script, node.right)
    return bool(means) and all(20 < mean < 235 for mean in means)


def _constants(script: Script, expression: ast.expr) -> tuple[float, ...]:
    call = script.call_of(expression)
    inner = call.node.args[0] if call and call.node.args else None
    return numbers(script, inner) or ()


def _finding(script: Script, call: Call, delta: float) -> Finding:
    return Finding(
        code="RD604",
        label="augmentation_ineffective",
        severity="warning",
        title=f"`{call.last}` shifts by {delta:g}, on floats in 0..255: "
        f"{100 * delta / 255:.2f} % of the range.",
        evidence={
            "delta": delta,
            "range": 255,
            "share_percent": round(100 * delta / 255, 3),
        },
        why="On floats the shift is added as it stands. A fraction of one grey value "
        "changes nothing that can be seen.",
        cure="Give the shift in the unit of the image.",
        snippet=f"image = tf.image.{call.last}(image, {delta:g} * 255)",
        effect="The augmentation acts as it was meant to.",
        confidence=0.9,
        source=script.place(call.node),
    )
