"""The last layer of a compiled model and its loss, where the text plainly shows both.

Names are followed only to what stands in the same block: what an `if` or a loop may
have changed is not plain.
"""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from residency.doctor.script.bindings import start_of
from residency.doctor.script.script import Call, Script
from residency.doctor.script.training import compiles

CROSSENTROPIES = {
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "binary_crossentropy": "BinaryCrossentropy",
}
"""Of each name the class."""
LONGEST = 20


class Head(NamedTuple):
    """What a model ends with."""

    layer: Call
    activation: str
    """Of a `Dense`, an `Activation` or a `Softmax`; `"linear"`: none."""
    loss: str
    """Class of the cross-entropy."""
    from_logits: bool


def heads(script: Script) -> Iterator[Head]:
    """Yields the plain heads of models that are compiled with a cross-entropy."""
    if any(
        node.attr == "activation" and isinstance(node.ctx, ast.Store)
        for node in script.walk(ast.Attribute)
        if isinstance(node, ast.Attribute)
    ):
        return
    for call in compiles(script):
        block = _block(script, call.node)
        loss = _loss(script, call.argument("loss", 1), block)
        layer = _last_layer(script, call, block)
        activation = None if layer is None else _activation(script, layer)
        if layer is not None and loss is not None and activation is not None:
            yield Head(layer, activation, *loss)


def _block(script: Script, node: ast.AST) -> ast.AST:
    """Returns what holds the statement that a node stands in."""
    inner = next((a for a in script.ancestors(node) if isinstance(a, ast.stmt)), node)
    return script.parents[inner]


def _plain(script: Script, given: ast.expr | None, block: ast.AST) -> ast.expr | None:
    """Follows names through the statements of a block; `None`: they lead elsewhere."""
    for _ in range(LONGEST):
        if not isinstance(given, ast.Name):
            return given
        last = next(iter(script.candidates(given)), None)
        if last is None or last.index is not None:
            return None
        if script.parents.get(last.node) is not block:
            return None
        given = last.value
    return None


def _loss(
    script: Script, given: ast.expr | None, block: ast.AST
) -> tuple[str, bool] | None:
    given = _plain(script, given, block)
    if isinstance(given, ast.Constant) and given.value in CROSSENTROPIES:
        return CROSSENTROPIES[given.value], False
    if not isinstance(given, ast.Call) or any(k.arg is None for k in given.keywords):
        return None
    call = script.call(given)
    logits = call.argument("from_logits", 0)
    if call.keras not in CROSSENTROPIES.values():
        return None
    if logits is None:
        return None if given.args else (call.keras, False)
    if not isinstance(logits, ast.Constant) or not isinstance(logits.value, bool):
        return None
    return call.keras, logits.value


def _last_layer(script: Script, compiled: Call, block: ast.AST) -> Call | None:
    built = _plain(script, compiled.receiver, block)
    if not isinstance(built, ast.Call):
        return None
    call = script.call(built)
    own = script.functions.get(call.name) if not call.imported else None
    if own is not None:
        results = [n for n in ast.walk(own) if isinstance(n, ast.Return)]
        if len(results) != 1 or script.parents[results[0]] is not own:
            return None
        if _added(script, compiled.receiver, built, compiled.node):
            return None
        if _is_changed(script, compiled.receiver, built, compiled.node):
            return None
        return _last_layer_of(script, results[0].value, own, results[0])
    return _last_layer_of(script, compiled.receiver, block, compiled.node)


def _last_layer_of(
    script: Script, model: ast.expr | None, block: ast.AST, until: ast.AST
) -> Call | None:
    """Returns the last layer that a model has at a place."""
    built = _plain(script, model, block)
    if not isinstance(built, ast.Call):
        return None
    call = script.call(built)
    if _is_changed(script, model, built, until):
        return None
    if call.keras == "Model":
        made = _plain(script, call.argument("outputs", 1), block)
        given = made.func if isinstance(made, ast.Call) else None
    elif call.keras == "Sequential":
        added = _added(script, model, built, until)
        listed = _plain(script, call.argument("layers", 0), block)
        items = listed.elts if isinstance(listed, ast.List) else []
        if added is not None and _block(script, added) is not block:
            return None
        given = added.args[0] if added and added.args else items[-1] if items else None
    else:
        return None
    layer = _plain(script, given, block)
    return script.call(layer) if isinstance(layer, ast.Call) else None


def _added(
    script: Script, model: ast.expr | None, built: ast.AST, until: ast.AST
) -> ast.Call | None:
    """Returns the last `model.add(...)` between two places."""
    found = [
        call.node
        for call in _between(script, built, until)
        if call.method == "add" and _is_same(call.receiver, model)
    ]
    return found[-1] if found else None


def _is_changed(
    script: Script, model: ast.expr | None, built: ast.AST, until: ast.AST
) -> bool:
    """Tells whether a model is handed to a function, or loses a layer, in between."""
    return any(
        (call.method == "pop" and _is_same(call.receiver, model))
        or any(_is_same(given, model) for given in call.node.args)
        for call in _between(script, built, until)
    )


def _between(script: Script, first: ast.AST, last: ast.AST) -> list[Call]:
    begin, end = start_of(first), start_of(last)
    return [call for call in script.calls if begin < start_of(call.node) < end]


def _is_same(one: ast.expr, other: ast.expr | None) -> bool:
    """Tells whether both are the same name."""
    if not isinstance(one, ast.Name) or not isinstance(other, ast.Name):
        return False
    return one.id == other.id


def _activation(script: Script, layer: Call) -> str | None:
    """Returns the activation that a layer ends with; `None`: it is not plain."""
    if any(k.arg is None for k in layer.node.keywords):
        return None
    if layer.keras == "Softmax":
        return "softmax"
    if layer.keras not in ("Dense", "Activation"):
        return None
    given = layer.argument("activation", 1 if layer.keras == "Dense" else 0)
    if given is None:
        return "linear" if layer.keras == "Dense" else None
    if isinstance(given, ast.Constant):
        return "linear" if given.value is None else str(given.value)
    name = script.qualified(given)
    known = name.startswith(("keras.", "tensorflow.nn."))
    return name.rpartition(".")[2] if known else None
