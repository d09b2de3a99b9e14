"""RD301: the loss explodes, or swings, at this rate and falls at a smaller one."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.optimisation.measures import odd_scale, settled
from residency.doctor.probe import Probe
from residency.doctor.probe.as_set import AsSet
from residency.doctor.probe.reruns import GENTLER
from residency.doctor.probe.sweep import SweepPoint
from residency.records import Finding

MIN_STEPS = 40
"""In fewer, a healthy high rate may raise the loss; an explosion shows at once."""
EXPLODED = 4.0
"""A loss that ends above so many times its start has exploded."""
FALLS = 0.85
"""A smaller rate works if it brings the loss below so much of its start."""
CALM = 1.1
"""Beside an explosion it is enough that a smaller rate keeps the loss below so many
times its start: a few steps need not bring it down."""
MORE = 0.6
"""A tenth of the rate learns more where it ends below so much of the loss."""
NAN, EXPLODES = "is no longer a number", "explodes"
FATAL = (NAN, EXPLODES)


def check(probe: Probe) -> Sequence[Finding] | None:
    """Names a rate that undoes what a smaller one would learn."""
    rates = (probe.settings.first_rate or 0.0, *probe.settings.epoch_rates)
    if min(rates) < 0:
        return [_negative(min(rates))]
    run = probe.trials.as_set if probe.trials is not None else None
    if probe.trials is None or run is None or not run.losses:
        return None
    how = _how_it_fails(run)
    if how is None:
        gentler = np.array(probe.trials.reruns.gentler)
        if _learns_more(gentler, run):
            return [_overshoots(run, gentler)]
        return [] if len(run.losses) >= MIN_STEPS else None
    lower = _best_lower(probe.trials.sweep, max(run.rates))
    enough = CALM if how in FATAL else FALLS
    if lower is None or not lower.end < enough * lower.start:
        return None  # no rate works: the cause lies elsewhere
    return [_finding(run, lower, how, odd_scale(probe))]


def _best_lower(sweep: Sequence[SweepPoint], rate: float) -> SweepPoint | None:
    """Returns the point at which the loss falls most, of those at smaller rates."""
    lower = [p for p in sweep if p.rate < 0.5 * rate and np.isfinite(p.end)]
    return min(lower, key=lambda p: p.end, default=None)


def _how_it_fails(run: AsSet) -> str | None:
    """Returns what the loss does; `None`: it falls, or too few steps were run."""
    losses = run.data_losses
    start = max(float(losses[0]), 1e-3)
    if run.diverged:
        return NAN
    end = settled(losses)
    if end > EXPLODED * start and losses[-1] >= 0.5 * losses.max():
        return EXPLODES
    if len(losses) < MIN_STEPS:
        return None
    recovers = end < 0.85 * settled(losses[: len(losses) // 2])
    if recovers:
        return None
    if end > 1.3 * start:
        return "ends above its start"
    burst = losses.max() > 2 * start
    return "bursts and does not fall again" if burst and end > 0.97 * start else None


def _learns_more(gentler: np.ndarray, run: AsSet) -> bool:
    """Tells whether the same steps at lower rates leave far less of the loss."""
    if len(gentler) < max(MIN_STEPS, len(run.losses)) or run.beyond:
        return False
    return settled(gentler) < MORE * settled(run.data_losses)


def _overshoots(run: AsSet, gentler: np.ndarray) -> Finding:
    losses, rate = run.data_losses, max(run.rates)
    lower = GENTLER * rate
    return Finding(
        code="RD301",
        label="lr_too_high",
        severity="warning",
        title=f"In {len(losses)} steps at a rate of {rate:.3g} the loss gets from "
        f"{losses[0]:.3g} to {settled(losses):.3g} only; at {lower:.3g} the same steps "
        f"get it to {settled(gentler):.3g}.",
        evidence={
            "rate": rate,
            "steps": len(losses),
            "loss_first": float(losses[0]),
            "loss_last": settled(losses),
            "lower_rate": lower,
            "loss_at_lower_rate": settled(gentler),
        },
        why="Steps longer than the curvature allows jump over what they aim at.",
        cure=f"A rate of about {lower:.1g}.",
        snippet=f"optimizer.learning_rate = {lower:.1g}",
        effect="The loss falls further in as many steps.",
        confidence=0.85,
    )


def _negative(rate: float) -> Finding:
    return Finding(
        code="RD301",
        label="lr_too_high",
        severity="error",
        title=f"The learning rate is negative: {rate:g}.",
        evidence={"rate": rate},
        why="Each step goes uphill: the loss grows for as long as training runs.",
        cure="A positive rate.",
        snippet="optimizer.learning_rate = 1e-3",
        effect="The loss falls.",
    )


def _finding(run: AsSet, lower: SweepPoint, how: str, scale: float | None) -> Finding:
    losses, rate = run.data_losses, max(run.rates)
    cause = (
        f" Inputs or targets have a deviation of {scale:.3g}, for which hardly any "
        "usual rate is small enough: scale them first."
        if scale is not None
        else ""
    )
    return Finding(
        code="RD301",
        label="lr_too_high",
        severity="advice"
        if scale is not None
        else "error"
        if how in FATAL
        else "warning",
        title=f"At a rate of {rate:.3g} the loss {how} within {len(losses)} steps; at "
        f"{lower.rate:.3g} it goes from {lower.start:.3g} to {lower.end:.3g}.",
        evidence={
            "rate": rate,
            "steps": len(losses),
            "loss_first": float(losses[0]),
            "loss_highest": float(losses.max()),
            "loss_last": float(losses[-1]),
            "lower_rate": lower.rate,
            "loss_at_lower_rate": lower.end,
        },
        why="Steps longer than the curvature allows throw the weights about, and units "
        f"that die on the way do not come back.{cause}",
        cure=f"A rate of about {lower.rate:.1g}, or a warm-up.",
        snippet=f"optimizer.learning_rate = {lower.rate:.1g}",
        effect="The loss falls from the first steps on.",
        confidence=0.95 if run.diverged else 0.85,
    )
