"""RD618: a head of 1000 outputs for a few classes."""

import ast
from collections.abc import Iterator

from residency.doctor.applications import MODE_OF_NETWORK
from residency.doctor.script.flow import fits
from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import UNKNOWN, number, value
from residency.records import Finding

CLASSES = {"cifar10": 10, "cifar100": 100, "mnist": 10, "fashion_mnist": 10}
NAMES = (
    "num_classes",
    "n_classes",
    "nb_classes",
    "classes",
    "class_names",
    "labels",
    "categories",
)


def check(script: Script) -> Iterator[Finding]:
    """Yields models with the ImageNet head that are trained on other classes."""
    classes = _classes(script)
    if classes is None or not fits(script):
        return
    for call, units in _heads(script):
        if units == 1000 and classes < units:
            yield Finding(
                code="RD618",
                label="output_units_mismatch",
                severity="warning",
                title=f"The head has {units} outputs, the data {classes} classes.",
                evidence={"outputs": units, "classes": classes},
                why=f"{units - classes} outputs have no image. It trains without a "
                "word, and probability is lost on classes that do not exist.",
                cure="Give the network a head of its own.",
                snippet=f"base = {call.last}(include_top=False, pooling='avg')\n"
                f"outputs = layers.Dense({classes}, activation='softmax')(base.output)"
                if call.keras in MODE_OF_NETWORK
                else f"layers.Dense({classes}, activation='softmax')",
                effect="Every output has images; the loss starts at "
                "the logarithm of the classes.",
                confidence=0.9,
                source=script.place(call.node),
            )


def _heads(script: Script) -> Iterator[tuple[Call, int]]:
    """Yields the calls that make the outputs of a trained model."""
    trained = [call.receiver for call in script.calls if call.method == "compile"]
    for receiver in trained:
        call = script.call_of(receiver)
        if call is None:
            continue
        if call.keras in MODE_OF_NETWORK:
            top = value(script, call.argument("include_top", 0))
            units = number(script, call.argument("classes", 5))
            if (
                top is UNKNOWN and call.argument("include_top", 0) is None
            ) or top is True:
                yield (
                    call,
                    1000 if call.argument("classes", 5) is None else int(units or 0),
                )
        elif not call.imported and call.name in script.functions:
            yield from _last_dense(script, script.functions[call.name])
    if len(trained) == 1 and script.call_of(trained[0]) is not None:
        yield from _last_dense(script, script.tree) if not script.functions else ()


def _last_dense(script: Script, inside: ast.AST) -> Iterator[tuple[Call, int]]:
    nodes = {id(n) for n in ast.walk(inside)}
    dense = [c for c in script.calls if c.keras == "Dense" and id(c.node) in nodes]
    units = number(script, dense[-1].argument("units", 0)) if dense else None
    if units is not None:
        yield dense[-1], int(units)


def _classes(script: Script) -> int | None:
    """Returns the number of classes that the script says its data have."""
    for call in script.calls:
        if call.last == "load_data":
            known = next((n for d, n in CLASSES.items() if f".{d}." in call.name), None)
            if known is not None:
                return known
    for (_, name), bindings in script.bindings.items():
        if name.lower() in NAMES and len(bindings) == 1 and bindings[0].index is None:
            given = value(script, bindings[0].value)
            count = len(given) if isinstance(given, list | tuple) else given
            if isinstance(count, int) and 1 < count < 1000:
                return count
    return None
