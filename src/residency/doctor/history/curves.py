"""The curves of one training run, one value an epoch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from residency.records import Proportion


@dataclass(frozen=True, kw_only=True, slots=True)
class Curves:
    """What a run recorded. `nan` stands where an epoch has no value."""

    source: str
    loss: tuple[float, ...] = ()
    """Training loss: a running mean over the epoch."""
    accuracy: tuple[float, ...] = ()
    """Training accuracy in `[0, 1]`, measured as `accuracy_is_clean` says."""
    val_loss: tuple[float, ...] = ()
    val_accuracy: tuple[float, ...] = ()
    learning_rate: tuple[float, ...] = ()
    train_loss: tuple[float, ...] = ()
    """On a fixed training sample in inference mode, where the run measured it."""
    accuracy_is_clean: bool = False
    """The training accuracy was measured in inference mode, after the epoch."""
    steps_per_epoch: int | None = None
    train_count: int | None = None
    """Images behind each training accuracy."""
    validation_count: int | None = None
    """Images behind each validation accuracy."""
    num_classes: int | None = None
    kept_best: bool | None = None
    """The best epoch's weights were kept; `None` where it is not known."""
    recipe: str = ""
    """Name of the recipe, where the run had one."""
    changed: tuple[str, ...] = ()
    """Settings of the recipe that the user changed, as paths."""
    total_epochs: int | None = None
    """Epochs planned, where known."""
    claim_percent: float | None = None
    """Accuracy the recipe promises, in per cent."""
    label_smoothing: float = 0.0
    """Of the training loss; it has a floor then."""

    @property
    def epochs(self) -> int:
        """Epochs recorded."""
        return max(
            map(len, (self.loss, self.val_loss, self.accuracy, self.val_accuracy))
        )

    @property
    def loss_floor(self) -> float:
        """The smallest training loss that label smoothing leaves, in nats."""
        share, classes = self.label_smoothing, self.num_classes or 10
        if share <= 0:
            return 0.0
        other = share / classes
        right = 1 - share + other
        return -right * math.log(right) - (classes - 1) * other * math.log(other)


def finite(values: Sequence[float]) -> list[float]:
    """Returns the values that are numbers."""
    return [value for value in values if math.isfinite(value)]


def one_digit(rate: float) -> str:
    """Returns a rate as it would be typed.

    >>> one_digit(4.55556)
    '5'
    """
    return f"{float(f'{rate:.0e}'):g}"


def noise(values: Sequence[float]) -> float:
    """Returns the standard deviation of a curve about its own trend.

    From second differences, in which any straight trend cancels: for independent
    noise of variance s^2 they have the variance 6 s^2. The median keeps single jumps
    from counting.
    """
    clean = finite(values)
    if len(clean) < 4:
        return 0.0
    seconds = [
        a - 2 * b + c for a, b, c in zip(clean, clean[1:], clean[2:], strict=False)
    ]
    middle = sorted(abs(each) for each in seconds)[len(seconds) // 2]
    return middle / 0.6745 / math.sqrt(6)


def median(values: Sequence[float]) -> float:
    """Returns the median of the finite values, `nan` if there are none."""
    clean = sorted(finite(values))
    if not clean:
        return math.nan
    half = len(clean) // 2
    return clean[half] if len(clean) % 2 else (clean[half - 1] + clean[half]) / 2


def tail(values: Sequence[float], share: float = 0.2, least: int = 3) -> list[float]:
    """Returns the last part of a curve."""
    count = max(least, round(share * len(values)))
    return list(values[-count:])


def interval(rate: float, count: int | None) -> tuple[float, float]:
    """Returns the 95 % interval of an accuracy; of 200 images if not known."""
    total = count or 200
    return Proportion(min(total, max(0, round(rate * total))), total).interval


def best_index(curves: Curves) -> int | None:
    """Returns the epoch, from 0, that validates best; `None` without validation."""
    measured = curves.val_accuracy or tuple(-each for each in curves.val_loss)
    known = [(value, -n) for n, value in enumerate(measured) if math.isfinite(value)]
    return -max(known)[1] if known else None
