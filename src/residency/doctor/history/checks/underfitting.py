"""RD505: training comes to rest at a low accuracy."""

import math
from collections.abc import Iterator

from residency.doctor.history.curves import Curves, finite, median, noise, tail
from residency.records import Finding

EPOCHS = 10
LOW = 0.7


def check(curves: Curves) -> Iterator[Finding]:
    """Yields a run that stands still though training itself is far from perfect."""
    loss = finite(curves.loss)
    train, held_out = median(tail(curves.accuracy)), median(tail(curves.val_accuracy))
    if len(loss) < EPOCHS or not math.isfinite(train) or train > LOW:
        return
    if math.isfinite(held_out) and train - held_out > 0.03:
        return
    half = loss[len(loss) // 2 :]
    moved = median(half[:3]) - median(half[-3:])
    learned = loss[0] - median(half[-3:])
    if learned < 0.05 * loss[0] or moved > max(0.02 * loss[0], 3 * noise(half)):
        return
    yield Finding(
        code="RD505",
        label="capacity_too_small",
        severity="advice",
        title=f"Training stands still at {100 * train:.1f} % for the last "
        f"{len(half)} epochs.",
        evidence={"train": train, "loss": median(half[-3:]), "epochs": len(half)},
        why="The network cannot even fit the images it sees: it is too small or too "
        "strongly held back, or the rate is wrong for going on.",
        cure="A larger network, less augmentation, decay or dropout; or a drop of the "
        "rate.",
        snippet="keras.callbacks.ReduceLROnPlateau('loss', factor=0.1, patience=5)",
        effect="Training accuracy rises, and validation with it.",
        confidence=0.5,
    )
