"""What a script says about its training: optimizer, rate, epochs, metrics."""

import ast
from collections.abc import Iterator

from residency.doctor.script.flow import fits
from residency.doctor.script.functions import function_of, parameters
from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import UNKNOWN, call_function, number, value
from residency.doctor.script.vocabulary import OPTIMIZERS

SERIES = ("loss", "acc")
"""How the keys of a history begin, `val_` apart."""


def compiles(script: Script) -> list[Call]:
    """Returns the calls of `compile` on a model."""
    given = {"optimizer", "loss", "metrics"}
    found = [call for call in script.calls if call.method == "compile"]
    return [c for c in found if given & set(c.keywords) or c.node.args]


def optimizer(script: Script) -> Call | None:
    """Returns the call that builds the compiled optimizer, if all compiles agree."""
    built = [script.call_of(c.argument("optimizer", 0)) for c in compiles(script)]
    calls = [call for call in built if call is not None and call.keras in OPTIMIZERS]
    return calls[0] if len(calls) == len(built) == 1 else None


def learning_rate(script: Script) -> tuple[Call, float] | None:
    """Returns the optimizer and the rate that the script states for it."""
    built = optimizer(script)
    if built is None:
        return None
    rate = number(script, built.argument("learning_rate", 0) or built.argument("lr"))
    return None if rate is None else (built, rate)


def epochs(script: Script) -> int | None:
    """Returns the epochs of the one `fit`, or of all if they agree."""
    stated = {
        number(script, fit.argument("epochs") or fit.argument("nb_epoch"))
        for fit in fits(script)
    }
    only = next(iter(stated)) if len(stated) == 1 else None
    return None if only is None else int(only)


def metrics(script: Script) -> set[str] | None:
    """Returns the names of the compiled metrics; `None` where they are not plain."""
    found: set[str] = set()
    for call in compiles(script):
        given = value(script, call.argument("metrics", 2))
        if not isinstance(given, list | tuple) or not all(
            isinstance(m, str) for m in given
        ):
            return None
        found |= set(given)
    return found or None


def schedule_rates(
    script: Script, scheduler: Call, count: int, rate: float | None
) -> list[float] | None:
    """Returns the rate a LearningRateScheduler sets in each epoch, or `None`."""
    function = function_of(script, scheduler.argument("schedule", 0))
    if function is None:
        return None
    takes_rate = len(parameters(function)) > 1
    if takes_rate and rate is None:
        return None
    rates: list[float] = []
    current = rate
    for epoch in range(count):
        current = call_function(
            script, function, [epoch, current] if takes_rate else [epoch]
        )
        if (
            current is UNKNOWN
            or isinstance(current, bool)
            or not isinstance(current, int | float)
        ):
            return None
        rates.append(float(current))
    return rates


def callback_calls(script: Script, name: str) -> Iterator[Call]:
    """Yields the calls that build a callback of Keras called `name`."""
    yield from (call for call in script.calls if call.keras == name)


def history_key(script: Script, expression: ast.expr) -> str:
    """Returns the history's key that an expression reads, or `""`."""
    origin = script.origin(expression)
    if isinstance(origin, ast.Subscript):
        key = value(script, origin.slice)
        if isinstance(key, str) and key.removeprefix("val_").startswith(SERIES):
            return key
    return ""


def is_legacy(script: Script) -> bool:
    """Tells whether the script asks for Keras 2 (`tf_keras`, TF_USE_LEGACY_KERAS)."""
    modules = {name.partition(".")[0] for name in script.modules.values()}
    text = {
        n.value
        for n in ast.walk(script.tree)
        if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }
    return "tf_keras" in modules or "TF_USE_LEGACY_KERAS" in text
