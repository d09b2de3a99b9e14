"""RD312: the model does not even learn a single small batch."""

from collections.abc import Sequence

from residency.doctor.checks.optimisation.measures import odd_scale
from residency.doctor.probe import Probe
from residency.records import Finding

MIN_STEPS = 60
LEARNS = 0.9
"""A loss that falls below so much of its start moves."""
DEAD = 0.98


def check(probe: Probe) -> Sequence[Finding] | None:
    """Looks at some steps of Adam on one batch, at the best of several rates."""
    tried = probe.trials.overfit if probe.trials is not None else None
    if tried is None or not tried.losses:
        return None
    start, end = tried.losses[0], min(tried.losses[-5:])
    if start < 0.05 or end < LEARNS * start:
        return []
    if len(tried.losses) < MIN_STEPS or odd_scale(probe) is not None:
        return None  # no usual rate moves numbers of another scale
    return [_finding(start, end, len(tried.losses), tried.rows, end > DEAD * start)]


def _finding(start: float, end: float, steps: int, rows: int, dead: bool) -> Finding:
    return Finding(
        code="RD312",
        label="cannot_overfit",
        severity="warning" if dead else "advice",
        title=f"On the same {rows} samples the loss goes from {start:.3g} to {end:.3g} "
        f"in {steps} steps of Adam, at the best of three rates.",
        evidence={"rows": rows, "steps": steps, "loss_first": start, "loss_last": end},
        why="A network that works learns so few samples by heart. Rate, length, amount "
        "of data and augmentation are thereby excluded: the fault is in head, loss, "
        "labels, activations or first weights.",
        cure="Look at last activation and loss first, then at frozen or dead layers.",
        snippet="model.fit(x[:32], y[:32], epochs=200)",
        effect="The loss of these samples goes to 0.",
        confidence=0.7,
    )
