"""RD303: the whole plan is so short that the loss still falls fast at its end."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.optimisation.measures import is_whole_plan, settled
from residency.doctor.probe import Probe
from residency.records import Finding

MIN_STEPS = 6
UNLEARNED = 0.5
"""Above this share of its start, a loss at the end is far from learned."""
FALLING = 0.06
"""Share by which the loss falls from one third of the plan to the next."""
CLEAR = 2.5
"""Standard errors of that difference which make it more than noise."""

GOES_ON = 0.92
"""Share of the plan's last loss under which further steps must bring it."""


def check(probe: Probe) -> Sequence[Finding] | None:
    """Runs through the planned steps' losses, where the trial could take them all."""
    total = probe.settings.total_steps
    run = probe.trials.as_set if probe.trials is not None else None
    if total is None or run is None:
        return None
    if run.diverged or total < MIN_STEPS or not is_whole_plan(probe):
        return None
    if len(run.rates) > 2 and run.rates[-1] < 0.2 * max(run.rates):
        return []  # the rate is brought down: the end is meant to be one
    losses = run.data_losses
    if run.beyond and settled(np.array(run.beyond)) < GOES_ON * settled(losses):
        return [_ends_at_once(probe, losses, np.array(run.beyond))]
    third = max(2, len(losses) // 3)
    middle, last = losses[-2 * third : -third], losses[-third:]
    fall = float(middle.mean() - last.mean())
    error = float(np.hypot(middle.std(), last.std())) / np.sqrt(third)
    unlearned = last.mean() > UNLEARNED * losses[0]
    if not unlearned or fall < max(FALLING * middle.mean(), CLEAR * error):
        return []
    return [_finding(probe, losses, fall)]


def _ends_at_once(probe: Probe, losses: np.ndarray, beyond: np.ndarray) -> Finding:
    epochs = probe.settings.epochs or 1
    return Finding(
        code="RD303",
        label="too_few_epochs",
        severity="warning",
        title=f"After the {len(losses)} planned steps the loss is "
        f"{settled(losses):.3g}; {len(beyond)} more steps bring it to "
        f"{settled(beyond):.3g}.",
        evidence={
            "planned_steps": len(losses),
            "epochs": epochs,
            "loss_first": float(losses[0]),
            "loss_last": settled(losses),
            "further_steps": len(beyond),
            "loss_after_them": settled(beyond),
        },
        why="Training ends before it has begun to learn what these settings can teach.",
        cure="Three to ten times as many epochs, or smaller batches.",
        snippet=f"model.fit(..., epochs={10 * epochs})",
        effect="Lower loss on both parts.",
        confidence=0.8,
    )


def _finding(probe: Probe, losses: np.ndarray, fall: float) -> Finding:
    epochs = probe.settings.epochs or 1
    end = float(losses[-max(2, len(losses) // 6) :].mean())
    return Finding(
        code="RD303",
        label="too_few_epochs",
        severity="warning",
        title=f"The {len(losses)} planned steps end while the loss still falls fast: "
        f"from {losses[0]:.3g} only to {end:.3g}.",
        evidence={
            "planned_steps": len(losses),
            "epochs": epochs,
            "loss_first": float(losses[0]),
            "loss_last": end,
            "fall_in_last_third": fall,
        },
        why="The network has not learned what these settings can teach it; figures of "
        "such a run say little about them.",
        cure="Three to ten times as many epochs, or smaller batches.",
        snippet=f"model.fit(..., epochs={5 * epochs})",
        effect="Lower loss on both parts.",
        confidence=0.75,
    )
