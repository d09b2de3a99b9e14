"""RD504: training goes on getting better while validation gets worse."""

import math
from collections.abc import Iterator

from residency.doctor.history.curves import (
    Curves,
    finite,
    interval,
    median,
    noise,
    tail,
)
from residency.records import Finding

EPOCHS = 5
GAP = 0.10


def check(curves: Curves) -> Iterator[Finding]:
    """Yields a gap between the parts that grows at validation's cost.

    The gap alone is no fault: good networks remember all of CIFAR-100 and validate
    at 75 %.
    """
    train, held_out = median(tail(curves.accuracy)), median(tail(curves.val_accuracy))
    if (
        curves.epochs < EPOCHS
        or not math.isfinite(train)
        or not math.isfinite(held_out)
    ):
        return
    low, high = _gap(curves, train, held_out)
    worse = _has_worsened(curves)
    if low > 2 * GAP and not worse:
        yield _finding(curves, train, held_out, low, high, "advice", "")
    elif low > GAP and worse:
        yield _finding(curves, train, held_out, low, high, "warning", worse)


def _gap(curves: Curves, train: float, held_out: float) -> tuple[float, float]:
    """Returns the 95 % interval of the difference of the two accuracies."""
    one = interval(train, curves.train_count or 5000)
    other = interval(held_out, curves.validation_count)
    below = math.hypot(train - one[0], other[1] - held_out)
    above = math.hypot(one[1] - train, held_out - other[0])
    gap = train - held_out
    return gap - below, gap + above


def _has_worsened(curves: Curves) -> str:
    """Returns in words by how much validation is past its best, or `""`."""
    losses, shares = finite(curves.val_loss), finite(curves.val_accuracy)
    if len(losses) >= EPOCHS:
        lowest, last = _before_and_last(losses)
        spread = noise(losses[-max(4, len(losses) // 2) :])
        if last > 1.25 * lowest and last - lowest > 4 * spread:
            return f"validation loss is {last:.3g} after {lowest:.3g}"
    best, last = (-value for value in _before_and_last([-share for share in shares]))
    if best - last > max(0.03, 4 * noise(shares)):
        return f"validation accuracy is {100 * last:.1f} % after {100 * best:.1f} %"
    return ""


def _before_and_last(values: list[float]) -> tuple[float, float]:
    """Returns the lowest level before the last part of a curve, and that part's."""
    end = tail(values)
    return _lowest(values[: -len(end)] or values), median(end)


def _lowest(values: list[float]) -> float:
    """Returns the lowest median of three neighbours: one lucky epoch is no minimum."""
    triples = zip(values, values[1:], values[2:], strict=False)
    return min((median(triple) for triple in triples), default=min(values))


def _finding(
    curves: Curves,
    train: float,
    held_out: float,
    low: float,
    high: float,
    severity: str,
    worse: str,
) -> Finding:
    said = f", and {worse}" if worse else ""
    return Finding(
        code="RD504",
        label="overfitting_small_data",
        severity=severity,
        title=f"Training accuracy is {100 * train:.1f} %, validation "
        f"{100 * held_out:.1f} %: a gap of {100 * low:.0f} to {100 * high:.0f} "
        f"points{said}.",
        evidence={"train": train, "validation": held_out, "low": low, "high": high},
        why="The network remembers its images instead of what the classes have in "
        "common.",
        cure="Augment more, decay the weights, start from pretrained weights, or stop "
        "at the best epoch.",
        snippet="keras.callbacks.EarlyStopping(patience=10, restore_best_weights=True)",
        effect="Training accuracy falls, validation rises.",
        confidence=0.9 if worse else 0.6,
    )
