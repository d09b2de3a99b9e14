"""Axis limits that one wild value cannot stretch."""

import math
from collections.abc import Sequence

import numpy as np

ROOM = 1.08  # of the limit, above the highest value shown
WILD = 2.0  # a value this many times the limit is outside, a lower one is shown


def robust_top(values: Sequence[float], *, start: float = 0.0) -> float:
    """Returns the upper limit of an axis from 0 that shows the bulk of `values`.

    The highest value counts unless it is more than twice the value that nine in
    ten of them stay below, and twice `start`: then it is a spike, and the limit
    ignores it.

    Args:
        values: None below 0; those that are no numbers are passed over.
        start: Where the curves begin; what a long fall came from is no spike.

    Returns:
        A positive number; 1 if there is nothing to show.

    Example:

    >>> round(robust_top([2.3, 1.9, 1.5, 1.2, 1.0]), 3)
    2.484
    >>> round(robust_top([1.0] * 20 + [1e6]), 3)
    1.08
    """
    finite = sorted(v for v in values if math.isfinite(v))
    if not finite:
        return 1.0
    bulk = max(float(np.quantile(finite, 0.9, method="lower")), start)
    shown = [v for v in finite if v <= WILD * bulk] if bulk > 0 else finite
    return shown[-1] * ROOM or 1.0
