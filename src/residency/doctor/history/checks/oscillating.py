"""RD503: the training loss jumps up and down."""

from collections.abc import Iterator
from itertools import pairwise

from residency.doctor.history.curves import Curves, finite, one_digit
from residency.records import Finding

EPOCHS = 8
STEPS = 10
"""Of an epoch: the mean of fewer batches jumps with what is in them."""
JUMP = 0.08
"""A rise counts from this share of the first loss on: epochs' means are smooth."""


def check(curves: Curves) -> Iterator[Finding]:
    """Yields a training loss that rises in many of its epochs, by much.

    Only training counts: validation jumps in healthy runs while the rate is high.
    """
    loss = finite(curves.loss)
    if curves.steps_per_epoch is not None and curves.steps_per_epoch < STEPS:
        return
    if len(loss) < EPOCHS or len(loss) < len(curves.loss):
        return
    later = loss[len(loss) // 4 :]
    rises = [b - a for a, b in pairwise(later) if b - a > JUMP * loss[0]]
    if len(rises) < 3 or len(rises) < 0.25 * len(later):
        return
    yield Finding(
        code="RD503",
        label="lr_too_high",
        severity="warning",
        title=f"The training loss rises in {len(rises)} of {len(later)} epochs, by up "
        f"to {max(rises):.3g}.",
        evidence={"rises": len(rises), "epochs": len(later), "largest": max(rises)},
        why="The steps jump across the valley they should walk down. Where the run "
        "stops is a matter of luck.",
        cure="Lower the learning rate three to ten times, or use larger batches.",
        snippet=_snippet(curves),
        effect="The loss falls smoothly, and lower.",
        confidence=0.8,
    )


def _snippet(curves: Curves) -> str:
    rates = finite(curves.learning_rate)
    return f"learning_rate={one_digit(max(rates) / 5) if rates else '... / 5'}"
