"""Numbers as a person writes them."""

import math

from residency.records import Proportion


def percent(share: float, digits: int = 1) -> str:
    """Returns a share in `[0, 1]` as a percentage without its sign.

    Example:

    >>> percent(0.938)
    '93.8'
    """
    return f"{100 * share:.{digits}f}" if math.isfinite(share) else "n/a"


def interval(share: Proportion) -> str:
    """Returns a proportion's 95 % interval in percent, in words."""
    low, high = share.interval
    return f"{percent(low)} to {percent(high)} %"
