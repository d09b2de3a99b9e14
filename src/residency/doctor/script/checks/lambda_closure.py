"""RD615: a Lambda layer that reads a loop variable too late."""

import ast
from collections.abc import Iterator

from residency.doctor.script.bindings import FUNCTIONS
from residency.doctor.script.functions import function_of, parameters
from residency.doctor.script.script import Call, Script
from residency.records import Finding

LOOPS = (ast.For, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)


def check(script: Script) -> Iterator[Finding]:
    """Yields Lambda layers in a loop that close over what the loop changes."""
    for call in script.calls:
        if call.keras != "Lambda":
            continue
        function = function_of(script, call.argument("function", 0))
        changing = _changing(script, call) if function is not None else set()
        if function is None or not changing:
            continue
        late = sorted(_free(function) & changing)
        if late and _is_inside_loop(script, call, function):
            yield _finding(script, call, late)


def _changing(script: Script, call: Call) -> set[str]:
    """Returns the names that the loops around a call bind anew at each turn."""
    names: set[str] = set()
    for loop in _loops(script, call.node):
        targets: list[ast.AST] = [loop.target] if isinstance(loop, ast.For) else []
        targets += [g.target for g in getattr(loop, "generators", [])]
        body = loop.body if isinstance(loop, ast.For) else []
        stored = (n for part in (*targets, *body) for n in _own_nodes(part))
        names |= {
            n.id
            for n in stored
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
    return names


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yields `node` and what is below it, functions left out."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (*FUNCTIONS, ast.Lambda)):
            yield from _own_nodes(child)


def _loops(script: Script, node: ast.AST) -> Iterator[ast.AST]:
    """Yields the loops around `node` in its own function."""
    for ancestor in script.ancestors(node):
        if isinstance(ancestor, (*FUNCTIONS, ast.Lambda)):
            return
        if isinstance(ancestor, LOOPS):
            yield ancestor


def _free(function: ast.AST) -> set[str]:
    """Returns the names that a function reads from outside when it is called."""
    if not isinstance(function, (*FUNCTIONS, ast.Lambda)):
        return set()
    own = {a.arg for a in parameters(function)}
    body = function.body if isinstance(function.body, list) else [function.body]
    names = [n for part in body for n in ast.walk(part) if isinstance(n, ast.Name)]
    own |= {n.id for n in names if isinstance(n.ctx, ast.Store)}
    return {n.id for n in names if isinstance(n.ctx, ast.Load)} - own


def _is_inside_loop(script: Script, call: Call, function: ast.AST) -> bool:
    """Tells whether the function itself closes over the scope of the loop."""
    loops = set(_loops(script, call.node))
    return bool(loops & set(script.ancestors(function)))


def _finding(script: Script, call: Call, late: list[str]) -> Finding:
    names = ", ".join(f"`{name}`" for name in late)
    bound = ", ".join(f"{name}={name}" for name in late)
    return Finding(
        code="RD615",
        label="disconnected_weights",
        severity="error",
        title=f"The Lambda layer reads {names} when it is called: after the loop all "
        "of its layers use the last value.",
        evidence={"names": ", ".join(late), "code": script.text(call.node)},
        why="Keras 3 calls the layers of a functional model again at every step. Each "
        "group then reads the same slice, and the weights before the others get no "
        "gradient; nothing warns.",
        cure="Bind the value when the layer is built; for groups use `groups=`.",
        snippet=f"layers.Lambda(lambda x, {bound}: ...)\n"
        "layers.Conv2D(filters, 3, groups=cardinality, padding='same')",
        effect="Every group sees its own channels, and all weights train.",
        source=script.place(call.node),
    )
