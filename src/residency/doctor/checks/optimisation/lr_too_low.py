"""RD302: at this rate hardly anything happens in all the planned steps."""

import itertools
from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.model.first_weights import trained_before
from residency.doctor.checks.optimisation.measures import odd_scale
from residency.doctor.probe import Probe
from residency.doctor.probe.as_set import AsSet
from residency.doctor.probe.overfit import Overfit
from residency.doctor.probe.sweep import SweepPoint
from residency.records import Finding

MOVED = 0.05
"""Weights that move by less than this share of themselves stay what they were."""
FALL = 0.1
"""A loss that falls by less than this share over the whole plan has learned nothing."""
STILL = 1e-3
"""Weights that move by less than this share over the whole plan learn nothing."""
FASTER = 3.0
"""A higher rate must win so many times the whole plan's fall in a few steps."""
SOME, FAR_FASTER = 0.015, 20.0
"""Of fresh weights that can learn one batch, a higher rate need only bring this share,
if it is so many times the whole plan's: plain networks begin with a plateau."""


def check(probe: Probe) -> Sequence[Finding] | None:
    """Names a rate at which neither weights nor loss move in the planned steps."""
    settings, trials = probe.settings, probe.trials
    rates = settings.epoch_rates
    if settings.optimizer is not None and rates and not any(rates):
        return [_zero(len(rates))]
    if trials is None or trials.as_set is None or not trials.sweep:
        return None
    run = trials.as_set
    planned = _planned_rates(probe)
    used = sum(run.rates)
    if planned is None or not used or run.diverged or min(run.rates) < 0:
        return None
    share = max(1.0, planned / used)
    moved = share * _kernels_moved(run)
    fall = share * _fall(run, trials.sweep)
    if moved > MOVED or fall > FALL:
        return []
    learns = trials.overfit is not None and _learns(trials.overfit)
    higher = _best_higher(trials.sweep, max(run.rates), max(FALL, FASTER * fall))
    if higher is None and learns and not trained_before(probe):
        least = max(SOME, FAR_FASTER * fall)
        rises = _falls_more_and_more(trials.sweep, max(run.rates))
        higher = _best_higher(trials.sweep, max(run.rates), least) if rises else None
    if higher is None:
        # else no rate works: the cause lies elsewhere
        return [_standing_still(probe, moved)] if moved < STILL and learns else None
    return [_finding(probe, moved, fall, higher)]


def _planned_rates(probe: Probe) -> float | None:
    """Returns the sum of the rates of all planned steps."""
    steps = probe.settings.steps_per_epoch
    if not steps or not probe.settings.epoch_rates:
        return None
    return steps * sum(probe.settings.epoch_rates)


def _kernels_moved(run: AsSet) -> float:
    """Returns the change of the kernel that moved most, relative to its size."""
    moved = [m for path, m in run.moved.items() if path.endswith("kernel")]
    moved = moved or list(run.moved.values())
    return max((m for m in moved if np.isfinite(m)), default=0.0)


def _fall(run: AsSet, sweep: Sequence[SweepPoint]) -> float:
    """Returns by what share the loss fell in the run, at best."""
    losses = run.data_losses
    count = max(1, len(losses) // 4)
    start = max(float(losses[:count].mean()), 1e-6)
    falls = [1 - float(losses[-count:].mean()) / start]
    falls += [1 - p.end / p.start for p in sweep if p.rate == max(run.rates)]
    return max(0.0, *falls)


def _best_higher(
    sweep: Sequence[SweepPoint], rate: float, fall: float
) -> SweepPoint | None:
    """Returns the point of the greatest fall, at ten times the rate at least."""
    higher = [p for p in sweep if p.rate > 5 * rate and p.end < (1 - fall) * p.start]
    return min(higher, key=lambda p: p.end, default=None)


def _falls_more_and_more(sweep: Sequence[SweepPoint], rate: float) -> bool:
    """Tells whether each of several higher rates brings twice the fall of the last."""
    higher = sorted((p for p in sweep if p.rate > 5 * rate), key=lambda p: p.rate)
    falls = [1 - p.end / p.start for p in higher]
    steeper = (b > 2 * a > 0 for a, b in itertools.pairwise(falls))
    return len(falls) > 1 and all(steeper)


def _learns(overfit: Overfit) -> bool:
    """Tells whether a single batch was learned, so that gradients are of use."""
    return overfit.losses[-1] < 0.85 * overfit.losses[0]


def _standing_still(probe: Probe, moved: float) -> Finding:
    settings = probe.settings
    rate = max(settings.epoch_rates)
    return Finding(
        code="RD302",
        label="lr_too_low",
        severity="warning",
        title=f"At a rate of {rate:.3g} the {settings.total_steps} planned steps move "
        f"no kernel by more than {100 * moved:.2g} %.",
        evidence={
            "optimizer": type(settings.optimizer).__name__,
            "rate": rate,
            "planned_steps": settings.total_steps,
            "predicted_movement": moved,
        },
        why="The network ends where it began, whatever the data say; on a single batch "
        "it learns well with larger steps.",
        cure="A rate hundreds of times higher.",
        snippet="keras.optimizers.Adam(1e-3)  # or SGD(0.1, momentum=0.9)",
        effect="The loss falls visibly within the first epochs.",
        confidence=0.8,
    )


def _zero(epochs: int) -> Finding:
    return Finding(
        code="RD302",
        label="lr_too_low",
        severity="error",
        title=f"The learning rate is 0 in each of the {epochs} planned epochs.",
        evidence={"rate": 0.0, "epochs": epochs},
        why="No weight ever moves.",
        cure="A positive rate.",
        snippet="optimizer.learning_rate = 1e-3",
        effect="The loss falls.",
    )


def _finding(probe: Probe, moved: float, fall: float, higher: SweepPoint) -> Finding:
    settings = probe.settings
    rate = max(settings.epoch_rates)
    name = type(settings.optimizer).__name__
    history = (
        " Adadelta's default was 1.0 in Keras 2 and is 0.001 in Keras 3."
        if name == "Adadelta"
        else ""
    )
    return Finding(
        code="RD302",
        label="lr_too_low",
        severity="advice" if odd_scale(probe) is not None else "warning",
        title=f"At a rate of {rate:.3g} the {settings.total_steps} planned steps move "
        f"no kernel by more than {100 * moved:.2g} %; at {higher.rate:.3g} a few steps "
        f"bring the loss from {higher.start:.3g} to {higher.end:.3g}.",
        evidence={
            "optimizer": name,
            "rate": rate,
            "planned_steps": settings.total_steps,
            "predicted_movement": moved,
            "predicted_fall": fall,
            "higher_rate": higher.rate,
            "loss_first": higher.start,
            "loss_at_higher_rate": higher.end,
        },
        why="The network ends where it began, whatever the data say." + history,
        cure=f"A rate of about {higher.rate:.1g}.",
        snippet=f"optimizer.learning_rate = {higher.rate:.1g}",
        effect="The loss begins to fall.",
        confidence=0.85,
    )
