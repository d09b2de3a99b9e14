"""Did it help? By more than noise, and by enough to matter."""

import math
from collections.abc import Sequence

import numpy as np

from residency.doctor.trying.arm import Curve

HELPED, SAME, WORSE = "helped", "no difference", "worse"
UNCLEAR = "unclear"
"""It was better by enough to matter, but not beyond noise: too few repeats or steps."""
ERROR_MATTERS, ACCURACY_MATTERS = 0.05, 0.1
"""Least differences; of the error, in errors of a guess."""
STUDENT = {1: math.inf, 2: 6.3, 3: 2.9, 4: 2.4, 5: 2.1}
"""Standard errors of a mean of so many differences that chance seldom exceeds: the
95 % point of Student's t."""
HARDLY = 0.5
"""An untreated training that falls by less than this share of the treated one's fall
hardly learns."""


def judge(
    untreated: Sequence[Curve], treated: Sequence[Curve], *, faster_only: bool = False
) -> str:
    """Compares repeats pair by pair, over the last half of their curves.

    Args:
        untreated: A curve for each repeat.
        treated: The same with the cure; repeats that one side lacks are left out.
        faster_only: Whether to count a gain only where the untreated hardly learns.

    Returns:
        `HELPED`, `SAME`, `WORSE` or `UNCLEAR`.
    """
    count = min(len(untreated), len(treated))
    untreated, treated = untreated[:count], treated[:count]
    gain = _gain(
        [late_error(c) for c in untreated],
        [late_error(c) for c in treated],
        ERROR_MATTERS,
    )
    accuracy = _gain(
        [-late_accuracy(c) for c in untreated],
        [-late_accuracy(c) for c in treated],
        ACCURACY_MATTERS,
    )
    if max(gain, accuracy) > 0 and min(gain, accuracy) >= 0:
        learns = faster_only and _fall(untreated) > HARDLY * _fall(treated)
        return SAME if learns else HELPED
    if min(gain, accuracy) < 0:
        return WORSE if max(gain, accuracy) <= 0 else SAME
    return UNCLEAR if _seems_better(untreated, treated) and not faster_only else SAME


def _seems_better(untreated: Sequence[Curve], treated: Sequence[Curve]) -> bool:
    """Whether the means differ by enough to matter, noise or not."""
    error = np.mean([late_error(c) for c in untreated])
    accuracy = np.mean([late_accuracy(c) for c in untreated])
    lower = error - np.mean([late_error(c) for c in treated])
    higher = np.mean([late_accuracy(c) for c in treated]) - accuracy
    return bool(lower > ERROR_MATTERS or higher > ACCURACY_MATTERS)


def _gain(before: Sequence[float], after: Sequence[float], matters: float) -> int:
    """Returns 1 where it fell, -1 where it rose, 0 where one cannot tell."""
    differences = np.subtract(before, after)
    count = len(differences)
    error = float(differences.std(ddof=1)) / math.sqrt(count) if count > 1 else 1.0
    mean = float(differences.mean())
    certain = error == 0 or abs(mean) > STUDENT[count] * error
    return int(np.sign(mean)) if certain and abs(mean) > matters else 0


def late_error(curve: Curve) -> float:
    """Returns the mean error over the last half."""
    return float(np.mean([r.error for r in curve[len(curve) // 2 :]]))


def late_accuracy(curve: Curve) -> float:
    """Returns the mean accuracy over the last half; 0 where there is none."""
    return float(np.mean([r.accuracy or 0.0 for r in curve[len(curve) // 2 :]]))


def _fall(curves: Sequence[Curve]) -> float:
    return float(np.mean([c[0].error - late_error(c) for c in curves]))
