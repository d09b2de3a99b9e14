"""RD225: several Lambdas that read the same loop variable do the same."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from residency.doctor.checks.check import Check
from residency.doctor.probe import Node, Probe
from residency.records import Finding


def find(probe: Probe) -> Sequence[Finding] | None:
    """Compares functions, what they close over and what they are given."""
    if not probe.graph.wired:
        return None
    groups: dict[Any, list[Node]] = defaultdict(list)
    for node in probe.graph.of_kind("Lambda"):
        if (identity := _identity(node)) is not None:
            groups[identity].append(node)
    same = [nodes for nodes in groups.values() if len({id(n.layer) for n in nodes}) > 1]
    if not same:
        return []
    first = same[0]
    name, value = _variable(first[0].layer.function)
    count = sum(len(nodes) for nodes in same)
    return [
        Finding(
            code="RD225",
            label="disconnected_weights",
            severity="error",
            title=f"{count} Lambda layers read '{name}' when they are called, and all "
            f"find its last value, {value}: each group gets the same slice.",
            evidence={
                "layers": count,
                "groups": len(same),
                "variable": name,
                "value": value,
                "first": first[0].name,
            },
            why="A function looks up a loop variable when it runs, and Keras runs it "
            "at each step, after the loop. What the other slices hold never reaches "
            "the output, and the weights that make it get no gradient.",
            cure=f"Bind the value: {name} as a default argument, or slice with a layer",
            snippet=f"keras.layers.Lambda(lambda x, {name}={name}: x[..., {name}])",
            effect="Each group gets its own slice; all weights learn.",
        )
    ]


def _identity(node: Node) -> Any:
    """Returns what two layers share that must do the same; `None`: none need."""
    function = node.layer.function
    code = getattr(function, "__code__", None)
    if code is None or _variable(function)[0] == "":
        return None
    cells = tuple(id(cell) for cell in function.__closure__ or ())
    defaults = repr((function.__defaults__, function.__kwdefaults__))
    given = repr(getattr(node.layer, "arguments", None))
    return code, cells, id(function.__globals__), defaults, given, node.inputs


def _variable(function: Any) -> tuple[str, int]:
    """Returns the name and value of a whole number that a function looks up."""
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # never assigned
            continue
        if type(value) is int:
            return name, value
    for name in code.co_names:
        if type(function.__globals__.get(name)) is int:
            return name, function.__globals__[name]
    return "", 0


CHECK = Check("each Lambda layer does a work of its own", find)
