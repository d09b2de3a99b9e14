"""RD502: training does not leave chance."""

import math
from collections.abc import Iterator

from residency.doctor.history.curves import Curves, finite, interval, median, tail
from residency.records import Finding

EPOCHS = 3
"""Fewer say nothing: warm-up, and large sets whose first epochs are slow."""
STILL = 0.02
"""A loss that moved by a smaller share has not moved."""


def check(curves: Curves) -> Iterator[Finding]:
    """Yields a run whose training loss stays where guessing is."""
    loss = finite(curves.loss)
    if len(loss) < EPOCHS or len(loss) < len(curves.loss):
        return
    if (max(loss) - min(loss)) > STILL * abs(loss[0]) or loss[0] == 0:
        return
    classes = curves.num_classes or _classes(curves)
    constant = _is_constant(curves)
    if classes is None and not constant:
        return
    if classes is not None and not _is_chance(curves, classes) and not constant:
        return
    share = median(curves.accuracy)
    said = f", accuracy {100 * share:.1f} %" if math.isfinite(share) else ""
    chance = f" (ln {classes} = {math.log(classes):.3f})" if classes else ""
    yield Finding(
        code="RD502",
        label="not_learning",
        severity="error" if len(loss) >= 5 else "warning",
        title=f"The training loss stays at {loss[-1]:.3f}{chance} for {len(loss)} "
        f"epochs{said}.",
        evidence={"first": loss[0], "last": loss[-1], "epochs": len(loss)}
        | ({"classes": classes} if classes else {}),
        why="The network gives every image the same answer: the labels do not reach "
        "the weights, or the steps are far too small or too large.",
        cure="Try to overfit one batch; look at the last activation with the loss, the "
        "labels and the rate.",
        snippet="model.fit(x[:32], y[:32], epochs=100, verbose=2)  # must reach loss 0",
        effect="A network that can learn brings one batch to a loss of nearly 0.",
        confidence=0.9,
    )


def _classes(curves: Curves) -> int | None:
    """Returns the classes whose chance both loss and accuracy show, if any."""
    loss, accuracy = median(tail(curves.loss)), median(tail(curves.accuracy))
    if not 0.6 < loss < 9.3 or not math.isfinite(accuracy):
        return None
    classes = round(math.exp(loss))
    near = abs(loss - math.log(classes)) < 0.02 * loss
    return classes if near and abs(accuracy * classes - 1) < 0.3 else None


def _is_chance(curves: Curves, classes: int) -> bool:
    """Tells whether loss and accuracy are those of guessing."""
    loss, accuracy = median(tail(curves.loss)), median(tail(curves.accuracy))
    # Skewed classes lower the loss of guessing: from half of ln k upwards.
    guessed = 0.5 * math.log(classes) < loss < 1.3 * math.log(classes)
    low, high = (
        interval(accuracy, curves.train_count) if math.isfinite(accuracy) else (0, 1)
    )
    return guessed and low <= 1 / classes <= high


def _is_constant(curves: Curves) -> bool:
    """Tells whether training accuracy is one share in all epochs, as of one class."""
    shares = finite(curves.accuracy)
    still = bool(shares) and max(shares) - min(shares) < 0.005
    return still and max(shares) < 0.95
