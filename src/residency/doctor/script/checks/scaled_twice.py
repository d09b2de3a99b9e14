"""RD617: the same pixels are scaled twice."""

import ast
from collections.abc import Iterator

from residency.doctor.applications import MODE_OF_MODULE
from residency.doctor.script.flow import fits, mapped, operations, pipeline
from residency.doctor.script.scaling import (
    divisor,
    makes_float,
    preprocessing_module,
    rescale,
)
from residency.doctor.script.script import Call, Script
from residency.records import Finding

Scaled = tuple[ast.AST, str]


def check(script: Script) -> Iterator[Finding]:
    """Yields generators and pipelines that divide, and then divide or centre again."""
    for call in script.calls:
        if call.last == "ImageDataGenerator":
            done = _of_generator(script, call)
            if len(done) > 1:
                yield _finding(script, done)
    layers = _layers(script)
    told: set[ast.AST] = set()
    for fit in fits(script):
        done = [*_of_pipeline(script, fit), *layers]
        if len(done) > 1 and done[1][0] not in told:
            told.add(done[1][0])
            yield _finding(script, done)


def _of_generator(script: Script, generator: Call) -> list[Scaled]:
    """Returns the scalings of an ImageDataGenerator; it rescales last."""
    done: list[Scaled] = []
    function = generator.argument("preprocessing_function")
    module = preprocessing_module(script, function) if function is not None else ""
    if function is not None and MODE_OF_MODULE.get(module, "raw") != "raw":
        done.append((function, f"{module}.preprocess_input"))
    factor = rescale(script, generator)
    if factor is not None and 0.002 < factor < 0.01:
        done.append((generator.node, f"rescale={factor:.5f}"))
    return done


def _of_pipeline(script: Script, fit: Call) -> list[Scaled]:
    """Returns the scalings on the way to `fit`."""
    done: list[Scaled] = []
    for step in pipeline(script, fit.argument("x", 0)):
        if step.call.last == "ImageDataGenerator":
            done += _of_generator(script, step.call)[:1]
        function = mapped(script, step)
        done += _of_function(script, function) if function is not None else []
    return done


def _of_function(script: Script, function: ast.AST) -> list[Scaled]:
    """Returns what a mapped function scales; a float is not converted to one again."""
    done: list[Scaled] = []
    is_float = False
    for node in operations(script, function):
        call = script.call(node) if isinstance(node, ast.Call) else None
        converts = call is not None and call.last == "convert_image_dtype"
        if not (converts and is_float):
            done += _scaling(script, node)
        is_float |= call is not None and (converts or makes_float(call))
    return done


def _layers(script: Script) -> list[Scaled]:
    """Returns the Rescaling layers and `preprocess_input`s inside the one model."""
    outside = {
        id(n)
        for call in script.calls
        if call.method == "map"
        for n in ast.walk(call.node)
    }
    found = [
        c for c in script.calls if c.keras == "Rescaling" and id(c.node) not in outside
    ]
    models = [c for c in script.calls if c.method == "compile"]
    used = [c for c in found if not _is_applied_by_map(script, c)]
    return (
        [s for c in used for s in _scaling(script, c.node)] if len(models) == 1 else []
    )


def _is_applied_by_map(script: Script, layer: Call) -> bool:
    """Tells whether a layer is kept under a name that some function calls on data."""
    parent = script.parents.get(layer.node)
    if not isinstance(parent, ast.Assign) or not isinstance(
        parent.targets[0], ast.Name
    ):
        return False
    name = parent.targets[0].id
    called = [n for n in ast.walk(script.tree) if isinstance(n, ast.Call)]
    inside = [n for n in called if isinstance(n.func, ast.Name) and n.func.id == name]
    return any(
        isinstance(a, ast.Lambda | ast.FunctionDef)
        for n in inside
        for a in script.ancestors(n)
    )


def _scaling(script: Script, node: ast.AST) -> list[Scaled]:
    by = divisor(script, node)
    if by is not None:
        return [(node, f"/ {by:g}")]
    if isinstance(node, ast.Call):
        module = preprocessing_module(script, node.func)
        if MODE_OF_MODULE.get(module, "raw") != "raw":
            return [(node, f"{module}.preprocess_input")]
    return []


def _finding(script: Script, done: list[Scaled]) -> Finding:
    first, second = done[0][1], done[1][1]
    return Finding(
        code="RD617",
        label="input_not_normalised",
        severity="error",
        title=f"Pixels are scaled twice: {first}, then {second}.",
        evidence={"first": first, "second": second, "at": script.place(done[0][0])},
        why="After the second scaling the images are nearly constant: all look alike "
        "to the network.",
        cure="Keep one of the two.",
        snippet=f"# keep {first if 'preprocess' in first else second}",
        effect="The input has the spread that the first layer expects.",
        confidence=0.9,
        source=script.place(done[1][0]),
    )
