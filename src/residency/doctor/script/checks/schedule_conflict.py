"""RD608: something else than the optimizer decides the learning rate."""

from collections.abc import Iterator

from residency.doctor.script.script import Call, Script
from residency.doctor.script.training import (
    callback_calls,
    epochs,
    learning_rate,
    optimizer,
    schedule_rates,
)
from residency.doctor.script.vocabulary import SCHEDULES
from residency.records import Finding

WHY = (
    "A LearningRateScheduler sets the rate anew before every epoch, whatever the "
    "optimizer or another callback made of it."
)


def check(script: Script) -> Iterator[Finding]:
    """Yields stated rates that never act, and two owners of one rate."""
    yield from _overridden(script)
    yield from _two_callbacks(script)
    yield from _not_settable(script)


def _overridden(script: Script) -> Iterator[Finding]:
    stated = learning_rate(script)
    if stated is None:
        return
    built, rate = stated
    for scheduler in callback_calls(script, "LearningRateScheduler"):
        rates = schedule_rates(script, scheduler, epochs(script) or 100, rate)
        if rates and all(abs(each - rate) > 0.01 * abs(rate) for each in rates):
            yield _finding(
                script,
                scheduler,
                f"The optimizer states a rate of {rate:g}; the scheduler starts at "
                f"{rates[0]:g} and never sets it (highest {max(rates):g}).",
                {"stated": rate, "first": rates[0], "highest": max(rates)},
                "Let one place own the rate: the schedule's first value and the "
                "optimizer's rate should be the same number.",
                f"optimizer={built.last}(learning_rate={rates[0]:g})  # or let the "
                f"schedule begin at {rate:g}",
            )


def _two_callbacks(script: Script) -> Iterator[Finding]:
    schedulers = list(callback_calls(script, "LearningRateScheduler"))
    plateaus = list(callback_calls(script, "ReduceLROnPlateau"))
    if schedulers and plateaus and _both_passed(script, schedulers[0], plateaus[0]):
        yield _finding(
            script,
            plateaus[0],
            "ReduceLROnPlateau stands beside a LearningRateScheduler, which undoes "
            "its reductions at the next epoch.",
            {"callbacks": "ReduceLROnPlateau, LearningRateScheduler"},
            "Keep one of the two.",
            "callbacks=[learning_rate_scheduler]",
            severity="advice",
        )


def _both_passed(script: Script, one: Call, other: Call) -> bool:
    """Tells whether both are built in the same scope, not as variants of a study."""
    return script.scope(one.node) is script.scope(other.node)


def _not_settable(script: Script) -> Iterator[Finding]:
    built = optimizer(script)
    given = script.call_of(built.argument("learning_rate", 0)) if built else None
    if given is None or given.keras not in SCHEDULES:
        return
    for name in ("LearningRateScheduler", "ReduceLROnPlateau"):
        for callback in callback_calls(script, name):
            yield _finding(
                script,
                callback,
                f"{name} sets the rate of an optimizer that was built with "
                f"{given.last}: Keras 3 stops with a TypeError.",
                {"callback": name, "schedule": given.last},
                "Keep the schedule or the callback, not both.",
                "optimizer = keras.optimizers.SGD(learning_rate=0.1)",
                severity="error",
            )


def _finding(
    script: Script,
    call: Call,
    title: str,
    evidence: dict[str, float | str],
    cure: str,
    snippet: str,
    severity: str = "warning",
) -> Finding:
    return Finding(
        code="RD608",
        label="lr_schedule_conflict",
        severity=severity,
        title=title,
        evidence=evidence,
        why=WHY,
        cure=cure,
        snippet=snippet,
        effect="The rate that is written is the rate that acts.",
        source=script.place(call.node),
    )
