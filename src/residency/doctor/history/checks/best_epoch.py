"""RD509: the last epoch's weights are used, an earlier epoch was better."""

import math
from collections.abc import Iterator

from residency.doctor.history.curves import Curves, best_index, finite, median, noise
from residency.records import Finding

EPOCHS = 4


def check(curves: Curves) -> Iterator[Finding]:
    """Yields a last epoch that validates clearly worse than the best one."""
    best = best_index(curves)
    shares = curves.val_accuracy
    if curves.kept_best or best is None or len(finite(shares)) < EPOCHS:
        return
    last = shares[-1]
    if not math.isfinite(last):
        return
    lost = shares[best] - last
    spread = max(noise(shares), _chance(last, curves.validation_count))
    if lost < max(0.03, 4 * spread):
        return
    around = median(shares[max(0, best - 1) : best + 2])
    severe = lost > max(0.05, 6 * spread) and around - last > 0.03
    yield Finding(
        code="RD509",
        label="best_epoch_not_used",
        severity="warning" if severe else "advice",
        title=f"Epoch {best + 1} validates at {100 * shares[best]:.1f} %, the last one "
        f"({len(shares)}) at {100 * last:.1f} %.",
        evidence={"best_epoch": best + 1, "best": shares[best], "last": last},
        why="After `fit` the model holds the last epoch's weights, unless a callback "
        "puts the best ones back.",
        cure="Keep the best weights.",
        snippet="keras.callbacks.ModelCheckpoint('best.keras', 'val_accuracy',\n"
        "                                save_best_only=True)",
        effect=f"About {100 * lost:.0f} points, a little less on new images.",
        confidence=0.9,
    )


def _chance(share: float, count: int | None) -> float:
    """Returns the standard deviation of an accuracy over `count` images."""
    return math.sqrt(share * (1 - share) / count) if count else 0.0
