"""RD627: a schedule whose drops lie behind the last epoch."""

from collections.abc import Iterator

from residency.doctor.script.script import Script
from residency.doctor.script.training import (
    callback_calls,
    epochs,
    learning_rate,
    schedule_rates,
)
from residency.records import Finding


def check(script: Script) -> Iterator[Finding]:
    """Yields schedulers that never change the rate in the epochs planned."""
    planned = epochs(script)
    stated = learning_rate(script)
    rate = stated[1] if stated else None
    if planned is None or planned < 5:
        return
    for scheduler in callback_calls(script, "LearningRateScheduler"):
        rates = schedule_rates(script, scheduler, 10 * planned, rate)
        if rates is None or len(set(rates[:planned])) > 1 or len(set(rates)) == 1:
            continue
        drop = next(n for n, each in enumerate(rates) if each != rates[0])
        yield Finding(
            code="RD627",
            label="lr_schedule_conflict",
            severity="warning",
            title=f"The schedule's first change comes at epoch {drop}, the training "
            f"ends after {planned}.",
            evidence={"epochs": planned, "first_change": drop, "rate": rates[0]},
            why="The large first rate is kept to the end. Most of the accuracy of a "
            "step schedule comes in the epochs after a drop.",
            cure="Scale the schedule to the length of the training.",
            snippet=f"# drops at epochs {planned // 2} and {planned * 3 // 4}",
            effect="The loss falls at the drops, and validation with it.",
            source=script.place(scheduler.node),
        )
