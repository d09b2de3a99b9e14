"""RD305: rate, schedule, callbacks and the length of training disagree."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from residency.doctor.probe import Probe
from residency.doctor.probe.settings import Settings
from residency.records import Finding

SAME = 0.01
"""Relative difference below which two rates are the same."""
FAR = 3
"""A schedule that ends after a third of the plan leaves most at its last rate."""
GONE, MOST = 1e-3, 0.5
"""A rate below so much of its highest moves nothing; for so much of a plan: a fault."""
SEVERAL = 5
"""With so many steps an epoch, boundaries in epochs are far from those in steps."""
SLOW = 0.03
"""A decay that takes less than this share off the rate in a whole plan is none."""
LONG = 50
POINTS = 500
"""Steps of the plan at which the schedule is asked."""


def check(probe: Probe) -> Sequence[Finding] | None:
    """Compares the optimizer, its schedule, the callbacks and the planned steps."""
    settings = probe.settings
    if settings.optimizer is None:
        return None
    found = [*_callbacks(settings), *_lengths(settings)]
    if not found and settings.schedule is not None and not settings.total_steps:
        return None  # how long the plan is, nobody says
    return found


def _of(settings: Settings, kind: type) -> list[Any]:
    return [c for c in settings.callbacks if isinstance(c, kind)]


def _callbacks(settings: Settings) -> Iterator[Finding]:
    setters = _of(settings, keras.callbacks.LearningRateScheduler)
    plateaus = _of(settings, keras.callbacks.ReduceLROnPlateau)
    if settings.schedule is not None:
        for callback in setters + plateaus:
            yield _cannot_set(settings, type(callback).__name__)
        return
    if setters and plateaus:
        yield _two_setters(settings)
    rates = settings.epoch_rates
    if setters and rates and settings.rate:
        yield from _overridden(settings.rate, rates)


def _cannot_set(settings: Settings, callback: str) -> Finding:
    schedule = (settings.schedule or {}).get("class", "schedule")
    return Finding(
        code="RD305",
        label="lr_schedule_conflict",
        severity="error",
        title=f"The optimizer has a {schedule}, and {callback} sets the rate as well.",
        evidence={"schedule": schedule, "callback": callback},
        why="Keras raises when a callback sets the rate of an optimizer that has a "
        "schedule: training stops at the first change.",
        cure="Keep one of the two.",
        snippet="keras.optimizers.SGD(learning_rate=0.1)  # and the callback",
        effect="Training runs, with the rates that you meant.",
    )


def _two_setters(settings: Settings) -> Finding:
    return Finding(
        code="RD305",
        label="lr_schedule_conflict",
        severity="warning",
        title="LearningRateScheduler and ReduceLROnPlateau both set the rate.",
        evidence={"epochs": settings.epochs},
        why="The scheduler sets the rate anew at each epoch's start: what the plateau "
        "took off is lost, unless the schedule builds on the rate it is given.",
        cure="Keep one of the two.",
        snippet="callbacks=[keras.callbacks.LearningRateScheduler(schedule)]",
        effect="The rate follows one rule.",
        confidence=0.7,
    )


def _overridden(rate: float, rates: Sequence[float]) -> Iterator[Finding]:
    first = rates[0]
    rises = max(rates[: max(2, len(rates) // 5)]) > 1.5 * first  # a warm-up
    reached = any(abs(r - rate) <= SAME * abs(rate) for r in rates)
    if abs(first - rate) <= SAME * abs(rate) or reached or rises:
        return
    is_default = rate in (0.001, 0.01)
    times = max(first, rate) / max(min(first, rate), 1e-12)
    yield Finding(
        code="RD305",
        label="lr_schedule_conflict",
        severity="advice" if times < 1.5 else "warning",
        title=f"The optimizer's rate of {rate:.3g} is never used: the scheduler sets "
        f"{first:.3g} from the first epoch on.",
        evidence={"optimizer_rate": rate, "first_rate": first, "times": times},
        why="One of the two numbers is not what was meant; a reader of the code, or of "
        "the paper, takes the wrong one.",
        cure="Say the same rate in both places.",
        snippet=f"optimizer.learning_rate = {first:.3g}",
        effect="The written rate is the rate of training.",
        confidence=0.6 if is_default else 0.85,
    )


def _lengths(settings: Settings) -> Iterator[Finding]:
    schedule, total = settings.schedule, settings.total_steps
    if schedule is None or not total:
        return
    warmup = int(schedule.get("warmup_steps") or 0)
    if warmup and warmup >= total:
        yield _length(
            f"The warm-up takes {warmup} steps, the plan has {total}.",
            "The rate never reaches its peak.",
            {"warmup_steps": warmup, "planned_steps": total},
            f"warmup_steps={max(1, total // 20)}",
        )
    boundaries = [int(b) for b in schedule.get("boundaries") or ()]
    if boundaries:
        yield from _boundaries(settings, boundaries, total)
    yield from _decay_steps(schedule, warmup, total)
    if schedule.get("class") in ("ExponentialDecay", "InverseTimeDecay"):
        yield from _pace(settings, schedule, total)


def _boundaries(
    settings: Settings, boundaries: Sequence[int], total: int
) -> Iterator[Finding]:
    last = max(boundaries)
    snippet = f"boundaries=[{total // 2}, {total * 3 // 4}]"
    if min(boundaries) >= total:
        yield _length(
            f"The first boundary is step {min(boundaries)}, the plan has {total} "
            "steps.",
            "The rate never falls: the plan ends before.",
            {"first_boundary": min(boundaries), "planned_steps": total},
            snippet,
        )
    elif last >= total or last * FAR < total:
        steps = (0, *(b + 1 for b in boundaries), total - 1)
        rates = [abs(settings.rate_at(min(step, total - 1))) for step in steps]
        gone = last * FAR < total and rates[-1] < GONE * max(rates)
        per_epoch = settings.steps_per_epoch or 1
        meant = len(boundaries) > 1 and per_epoch >= SEVERAL
        in_epochs = meant and last <= (settings.epochs or 0)
        falls = rates[-1] < max(rates)
        yield _length(
            f"The last boundary is step {last}, the plan has {total} steps.",
            "The last rates are not reached, or fill most of the plan.",
            {"last_boundary": last, "planned_steps": total, "epochs": settings.epochs},
            snippet,
            severity="warning"
            if last >= total or gone or (in_epochs and falls)
            else "advice",
        )


def _pace(
    settings: Settings, schedule: Mapping[str, Any], total: int
) -> Iterator[Finding]:
    """A decay without an end, that takes the rate away at once or not at all."""
    steps = np.linspace(0, total - 1, min(total, POINTS)).astype(int)
    rates = np.array([abs(settings.rate_at(int(step))) for step in steps])
    peak = rates.max()
    if not peak:
        return
    gone = float((rates < GONE * peak).mean())
    kind = str(schedule["class"])
    evidence = {
        "schedule": kind,
        "decay_steps": schedule.get("decay_steps"),
        "decay_rate": schedule.get("decay_rate"),
        "planned_steps": total,
        "last_rate_over_first": float(rates[-1] / peak),
    }
    if gone >= MOST:
        end = int(steps[np.argmax(rates < GONE * peak)])
        yield _length(
            f"{kind} has brought the rate below a thousandth at step {end} of {total}.",
            f"In {100 * gone:.0f} % of the plan hardly anything moves.",
            evidence,
            f"decay_steps={max(1, total // 4)}",
        )
    elif total >= LONG and rates.min() > (1 - SLOW) * peak:
        yield _length(
            f"{kind} takes {100 * (1 - rates.min() / peak):.2g} % off the rate in all "
            f"{total} planned steps.",
            "The rate hardly falls before the plan ends.",
            evidence,
            f"decay_steps={max(1, total // 4)}",
            severity="advice",
        )


def _decay_steps(
    schedule: Mapping[str, Any], warmup: int, total: int
) -> Iterator[Finding]:
    kind = schedule.get("class")
    steps = schedule.get("decay_steps")
    ends = kind in ("CosineDecay", "PolynomialDecay") and not schedule.get("cycle")
    if not steps or not ends or warmup >= total:
        return
    end = warmup + int(steps)
    if end >= FAR * total or end * FAR <= total:
        early = end < total
        yield _length(
            f"The {kind} ends at step {end}, the plan has {total} steps.",
            "Most of the plan runs at the last rate, which is often 0."
            if early
            else "The rate hardly falls before the plan ends.",
            {"schedule": str(kind), "schedule_steps": end, "planned_steps": total},
            f"decay_steps={total - warmup}",
        )


def _length(
    title: str,
    why: str,
    evidence: Mapping[str, Any],
    snippet: str,
    severity: str = "warning",
) -> Finding:
    return Finding(
        code="RD305",
        label="lr_schedule_conflict",
        severity=severity,
        title=title,
        evidence=evidence,
        why=f"{why} Schedules count steps (batches), not epochs.",
        cure="Fit the schedule to the planned steps.",
        snippet=snippet,
        effect="The rate falls when it should.",
        confidence=0.85,
    )
