"""Where a script's data come from and where they go: pipelines, generators, fits."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from residency.doctor.script.bindings import FUNCTIONS, Binding, Function
from residency.doctor.script.functions import defaults, function_of, parameters
from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import UNKNOWN, Names, is_main, value

FIT_ONLY = {"epochs", "nb_epoch", "validation_data", "validation_split", "callbacks"}
FIT_ONLY |= {"steps_per_epoch", "batch_size", "class_weight", "initial_epoch"}
LONGEST = 200
PASSING = ("iter", "enumerate", "next", "int", "float", "cast", "squeeze")
"""Functions that hand their first argument on."""


def fits(script: Script) -> tuple[Call, ...]:
    """Returns the calls that train a Keras model."""
    found = [c for c in script.calls if c.method in ("fit", "fit_generator")]
    return tuple(
        c for c in found if c.last == "fit_generator" or FIT_ONLY & set(c.keywords)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One call on the way of the data, with the names that hold there."""

    call: Call
    names: Names


def pipeline(
    script: Script, expression: ast.expr | None, names: Names | None = None
) -> list[Step]:
    """Returns the calls that made `expression`, the source first.

    Follows method chains, reassigned names and the script's own functions. What an
    `if` adds counts only where its condition is known to hold.
    """
    return _follow(script, expression, names or {}, 0)


def _follow(
    script: Script, node: ast.expr | None, names: Names, depth: int
) -> list[Step]:
    if node is None or depth > LONGEST:
        return []
    if isinstance(node, ast.Name):
        return _named(script, node, names, depth)
    if isinstance(node, ast.Subscript | ast.Starred | ast.Await):
        return _follow(script, node.value, names, depth + 1)
    if not isinstance(node, ast.Call):
        return []
    call = script.call(node)
    own = script.functions.get(call.name) if not call.imported else None
    if own is not None:
        return _through(script, own, call, names, depth)
    before: list[Step] = []
    if call.method:
        before = _follow(script, call.receiver, names, depth + 1)
    elif call.last in PASSING and node.args:
        before = _follow(script, node.args[0], names, depth + 1)
    return [*before, Step(call, names)]


def _named(script: Script, name: ast.Name, names: Names, depth: int) -> list[Step]:
    binding = _reaching(script, name, names)
    if binding is None:
        return []
    if isinstance(binding.node, ast.arg):
        given = names.get(name.id)
        if isinstance(given, _Argument):
            return _follow(script, given.node, given.names, depth + 1)
        return _follow(script, _only_argument(script, binding.node), {}, depth + 1)
    if binding.index is not None:
        return _unpacked(script, binding, names, depth)
    return _follow(script, binding.value, names, depth + 1)


def _unpacked(script: Script, binding: Binding, names: Names, depth: int) -> list[Step]:
    """Follows one of the values that a function of the script returns as a tuple."""
    call = script.call_of(binding.value)
    own = script.functions.get(call.name) if call and not call.imported else None
    if call is None or own is None:
        return _follow(script, binding.value, names, depth + 1)
    inside = _arguments(own, call, names)
    for result in _returns(own):
        if isinstance(result, ast.Tuple) and binding.index is not None:
            return _follow(script, result.elts[binding.index], inside, depth + 1)
    return []


@dataclass(frozen=True, slots=True, eq=False)
class _Argument:
    """An expression passed to a function, to be read where the call stands."""

    node: ast.expr
    names: Names


def _through(
    script: Script, function: Function, call: Call, names: Names, depth: int
) -> list[Step]:
    inside = _arguments(function, call, names)
    for result in _returns(function):
        if not isinstance(result, ast.Tuple):
            return _follow(script, result, inside, depth + 1)
    return []


def _arguments(function: Function, call: Call, names: Names) -> dict[str, object]:
    given: dict[str, object] = {}
    for position, parameter in enumerate(parameters(function)):
        expression = call.argument(parameter.arg, position)
        if expression is not None:
            given[parameter.arg] = _Argument(expression, names)
    return given


def _returns(function: Function) -> list[ast.expr]:
    """Returns what a function returns, the last statement first."""
    found = [n for n in ast.walk(function) if isinstance(n, ast.Return)]
    return [n.value for n in sorted(found, key=lambda n: -n.lineno) if n.value]


def _reaching(script: Script, name: ast.Name, names: Names) -> Binding | None:
    """Returns the latest binding of `name` that surely holds."""
    here = set(script.ancestors(name))
    candidates = script.candidates(name)
    for binding in candidates:
        if isinstance(binding.node, ast.arg) or all(
            holds(script, g, names) for g in guards(script, binding.node, here)
        ):
            return binding
    return candidates[0] if len(candidates) == 1 else None


def _only_argument(script: Script, argument: ast.arg) -> ast.expr | None:
    """Returns what a function's only call passes for a parameter."""
    function = script.function(argument)
    if function is None or argument not in parameters(function):
        return None
    calls = [c for c in script.calls if c.name == function.name and not c.imported]
    place = parameters(function).index(argument)
    return calls[0].argument(argument.arg, place) if len(calls) == 1 else None


Guard = tuple[ast.expr, bool]


def guards(script: Script, node: ast.AST, here: set[ast.AST]) -> Iterator[Guard]:
    """Yields the conditions under which `node` runs, and how they must turn out."""
    child = node
    for parent in script.ancestors(node):
        if isinstance(parent, FUNCTIONS):
            return
        if isinstance(parent, ast.If) and parent not in here and not is_main(parent):
            yield parent.test, child in parent.body
        child = parent


def holds(script: Script, guard: Guard, names: Names) -> bool:
    """Tells whether a condition surely turns out as it must."""
    test, wanted = guard
    known = plain_names(script, names)
    function = script.function(test)
    if function is not None:
        for name, default in _defaults(script, function).items():
            if name not in names:
                known[name] = default
    result = value(script, test, known)
    return result is not UNKNOWN and bool(result) == wanted


def plain_names(script: Script, names: Names) -> dict[str, object]:
    """Returns the values of the names that hold at a `Step`, where known."""
    plain = {
        name: value(script, given.node, plain_names(script, given.names))
        if isinstance(given, _Argument)
        else given
        for name, given in names.items()
    }
    return {name: each for name, each in plain.items() if each is not UNKNOWN}


def _defaults(script: Script, function: Function) -> dict[str, object]:
    found = {n: value(script, d) for n, d in defaults(function).items()}
    return {n: v for n, v in found.items() if v is not UNKNOWN}


def mapped(script: Script, step: Step) -> Function | ast.Lambda | None:
    """Returns the function that a `.map(...)` applies, if the script has it."""
    if step.call.method != "map" or not step.call.node.args:
        return None
    return function_of(script, step.call.node.args[0])


def operations(
    script: Script, inside: ast.AST, depth: int = 0
) -> Iterator[ast.Call | ast.BinOp]:
    """Yields calls and arithmetic in the order they run.

    A call of one of the script's functions is followed by what that one does.
    """
    found = [n for n in ast.walk(inside) if isinstance(n, ast.Call | ast.BinOp)]
    for node in sorted(found, key=_finished):
        yield node
        if isinstance(node, ast.Call) and depth < 5:
            call = script.call(node)
            own = script.functions.get(call.name) if not call.imported else None
            if own is not None and own is not inside:
                yield from operations(script, own, depth + 1)


def calls_in(script: Script, inside: ast.AST) -> Iterator[Call]:
    """Yields the calls among the `operations`."""
    for node in operations(script, inside):
        if isinstance(node, ast.Call):
            yield script.call(node)


def _finished(node: ast.Call | ast.BinOp) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
