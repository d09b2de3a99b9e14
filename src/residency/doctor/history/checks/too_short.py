"""RD510: training ends while everything still gets better."""

from collections.abc import Iterator
from itertools import pairwise

from residency.doctor.history.curves import Curves, finite, noise
from residency.records import Finding

EPOCHS = 3
LAST = 3
"""Steps between epochs that must all go down."""


def check(curves: Curves) -> Iterator[Finding]:
    """Yields a run whose loss still falls by several per cent an epoch at its end."""
    loss = finite(curves.loss)
    if len(loss) < EPOCHS or len(loss) < len(curves.loss) or _goes_on(curves):
        return
    end = loss[-min(LAST + 1, len(loss)) :]
    falls = [(a - b) / abs(a) if a else 0.0 for a, b in pairwise(end)]
    room = loss[-1] - curves.loss_floor > 0.1 * loss[0]
    if min(falls) < 0.03 or not room or end[0] - end[-1] < 3 * noise(loss):
        return
    gain = _gain(curves)
    if gain is not None and gain < 0.0:
        return  # validation does not follow: more epochs are no cure
    # Without the rates it may be a run whose rate was brought down to its end.
    rising = gain is not None and gain > 0.01 and bool(finite(curves.learning_rate))
    mean = sum(falls) / len(falls)
    yield Finding(
        code="RD510",
        label="too_few_epochs",
        severity="warning" if rising else "advice",
        title=f"The training loss still falls by {100 * mean:.0f} % an epoch when the "
        f"run ends after {len(loss)}.",
        evidence={"epochs": len(loss), "fall_percent": 100 * mean, "last": loss[-1]}
        | ({} if gain is None else {"gain_per_epoch": gain}),
        why="The network has not learned what these settings can teach it; figures of "
        "such a run say little about them.",
        cure="Train for two to five times as many epochs, with a falling rate.",
        snippet=f"epochs={3 * len(loss)}",
        effect="Lower loss and higher accuracy on both parts.",
        confidence=0.8 if rising else 0.6,
    )


def _goes_on(curves: Curves) -> bool:
    """Tells whether the run is unfinished, or its rate was brought down to the end."""
    planned = curves.total_epochs
    rates = finite(curves.learning_rate)
    annealed = len(rates) > 2 and rates[-1] < 0.15 * max(rates)
    return annealed or (planned is not None and curves.epochs < planned)


def _gain(curves: Curves) -> float | None:
    """Returns what validation accuracy won an epoch in the last ones, if measured."""
    shares = finite(curves.val_accuracy)[-LAST - 1 :]
    return (shares[-1] - shares[0]) / (len(shares) - 1) if len(shares) > 1 else None
