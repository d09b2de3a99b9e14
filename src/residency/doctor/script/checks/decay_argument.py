"""RD607: `decay=` taken for weight decay."""

import ast
from collections.abc import Iterator

from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import number
from residency.doctor.script.vocabulary import OPTIMIZERS
from residency.records import Finding


def check(script: Script) -> Iterator[Finding]:
    """Yields optimizers that are given a `decay`."""
    for call in script.calls:
        given = call.argument("decay")
        if (
            call.keras in OPTIMIZERS
            and given is not None
            and number(script, given) != 0
        ):
            yield _finding(script, call, given)


def _finding(script: Script, call: Call, given: ast.expr) -> Finding:
    decay = number(script, given)
    divided = isinstance(script.origin(given), ast.BinOp)  # decay=rate / epochs
    is_weight_decay = (
        decay is not None and decay in (1e-4, 5e-4, 5e-5, 1e-3) and not divided
    )
    legacy = ".legacy." in call.name or call.written.startswith("tf_keras.")
    does = "lowers the rate step by step" if legacy else "is ignored by Keras 3"
    return Finding(
        code="RD607",
        label="config_not_applied",
        severity="advice" if legacy and not is_weight_decay else "warning",
        title=f"`decay={script.text(given)}` {does}; it never was a weight decay.",
        evidence={
            "argument": "decay",
            "given": script.text(given),
            "optimizer": call.last,
        },
        why="In old Keras it divided the learning rate by 1 + decay * steps. Keras 3 "
        "warns once and trains without it, and without any weight decay.",
        cure="Say which of the two is meant.",
        snippet=_snippet(script, call, given, decay),
        effect="The weights decay as in the paper, or the rate as it was planned.",
        confidence=0.95 if is_weight_decay else 0.8,
        source=script.place(given),
    )


def _snippet(script: Script, call: Call, given: ast.expr, decay: float | None) -> str:
    half = f"{decay / 2:g}" if decay is not None else f"{script.text(given)} / 2"
    rate = call.argument("learning_rate") or call.argument("lr", 0)
    shown = script.text(rate) if rate is not None else "0.01"
    return (
        "# The papers' weight decay, on each layer:\n"
        f"kernel_regularizer=keras.regularizers.L2({half})\n"
        "# A falling rate:\n"
        f"keras.optimizers.schedules.InverseTimeDecay({shown}, 1, {script.text(given)})"
    )
