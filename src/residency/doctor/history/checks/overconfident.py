"""RD506: validation loss explodes while validation accuracy holds."""

from collections.abc import Iterator

from residency.doctor.history.curves import Curves, finite, median, noise, tail
from residency.records import Finding

EPOCHS = 8


def check(curves: Curves) -> Iterator[Finding]:
    """Yields a validation loss that multiplies at an accuracy that stays."""
    losses, shares = finite(curves.val_loss), finite(curves.val_accuracy)
    if len(losses) < EPOCHS or len(losses) != len(shares):
        return
    middles = [median(losses[max(0, n - 1) : n + 2]) for n in range(len(losses))]
    place = middles.index(min(middles))
    lowest, last = middles[place], median(tail(losses))
    then, now = median(shares[max(0, place - 1) : place + 2]), median(tail(shares))
    if place >= len(losses) - len(tail(losses)) or now < then - 0.02:
        return
    spread = noise(losses[len(losses) // 2 :])
    if last < 1.5 * lowest or last - lowest < max(0.3, 4 * spread):
        return
    yield Finding(
        code="RD506",
        label="overconfident",
        severity="warning" if last > 2 * lowest else "advice",
        title=f"Validation loss rises from {lowest:.3g} to {last:.3g} while accuracy "
        f"holds at {100 * now:.1f} %.",
        evidence={
            "lowest_loss": lowest,
            "last_loss": last,
            "epoch": place + 1,
            "accuracy_then": then,
            "accuracy_now": now,
        },
        why="The same images are wrong, with ever more confidence. Probabilities can "
        "no longer be believed, and early stopping by loss stops far too soon.",
        cure="Label smoothing, weight decay or mixup; watch accuracy, and calibrate.",
        snippet="keras.losses.CategoricalCrossentropy(label_smoothing=0.1)",
        effect="The loss on validation stays near its lowest.",
        confidence=0.9,
    )
