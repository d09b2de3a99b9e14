"""RD624: `predict` for one image at a time."""

import ast
from collections.abc import Iterator

from residency.doctor.script.bindings import FUNCTIONS
from residency.doctor.script.script import Call, Script
from residency.records import Finding


def check(script: Script) -> Iterator[Finding]:
    """Yields calls of `predict` in a loop with a batch of one."""
    for call in script.calls:
        if call.method == "predict" and call.node.args and _in_loop(script, call):
            one = _batch_of_one(script, call.node.args[0])
            if one:
                yield Finding(
                    code="RD624",
                    label="slow_prediction",
                    severity="advice",
                    title=f"`{script.text(call.node)}` predicts one image a call, "
                    "in a loop.",
                    evidence={"call": script.text(call.node), "one": one},
                    why="Each call of `predict` sets up a loop of its own; that costs "
                    "far more than the image.",
                    cure="Predict all images in one call.",
                    snippet="probabilities = model.predict(np.stack(images))",
                    effect="Many times faster.",
                    source=script.place(call.node),
                )


def _in_loop(script: Script, call: Call) -> bool:
    for ancestor in script.ancestors(call.node):
        if isinstance(ancestor, FUNCTIONS):
            return False
        if isinstance(ancestor, ast.For | ast.ListComp | ast.While):
            return True
    return False


def _batch_of_one(script: Script, given: ast.expr) -> str:
    """Returns how a single image is made a batch, or `""`."""
    for node in ast.walk(script.origin(given) or given):
        text = ast.unparse(node) if isinstance(node, ast.Call | ast.Subscript) else ""
        if (
            "expand_dims" in text
            or "newaxis" in text
            or "[None" in text
            or "reshape(1," in text
        ):
            return script.text(node)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            low, high = node.slice.lower, node.slice.upper
            if (
                low is not None
                and high is not None
                and ast.unparse(high) == f"{ast.unparse(low)} + 1"
            ):
                return script.text(node)
    return ""
