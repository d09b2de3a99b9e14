"""How large the numbers of a tensor may be, known without a look at them.

ReLU as part of oneDNN's convolution gives 0 for NaN, which hides that a network has
gone wrong; that of Keras gives NaN. Where all that enters is small enough, no sum comes
to infinity, and so none to NaN. A bound follows from that of the convolution before, so
that few tensors are looked at.
"""

import math
from typing import Any

import torch

from residency.engine.lowering.call import Run

SAFE = 1e30
"""Far from float32's and bfloat16's largest number, 3.4e38, in whatever order and with
whatever multiples oneDNN adds up."""
FAR = 1e15
"""What is estimated larger than this is looked at."""


def bound_of(x: torch.Tensor) -> float:
    """Returns what none of its numbers exceeds in size; infinite if nobody kept it."""
    return getattr(x, "_bound", math.inf)


def keep_bound(x: Any, bound: float) -> None:
    """Keeps with `x` what none of its numbers exceeds.

    Only for a tensor that nobody else gets hold of, who might write to it.
    """
    x._bound = bound


def with_bound(run: Run) -> Run:
    """Returns a call that gives no larger numbers than it adds up, and says so."""

    def around(*xs: torch.Tensor, training: bool) -> torch.Tensor:
        y = run(*xs, training=training)
        keep_bound(y, sum(map(bound_of, xs)))
        return y

    return around


def measured_bound(x: torch.Tensor, known: float) -> float:
    """Returns what none of its numbers exceeds in size; NaN if one is NaN.

    Args:
        x: Looked at if need be.
        known: The bound that is known.
    """
    if known < FAR:
        return known
    found = float(torch.linalg.vector_norm(x))  # faster than the largest
    if known < math.inf:  # it is one of those with a bound
        keep_bound(x, found)
    return found


def largest_sum(weight: torch.Tensor) -> float:
    """Returns the most that a convolution makes of numbers up to 1.

    Args:
        weight: `(out, in, height, width)`.
    """
    return float(weight.detach().abs().float().sum(dim=(1, 2, 3)).max())
