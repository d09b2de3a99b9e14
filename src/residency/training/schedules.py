"""Learning-rate schedules: a multiplier of the peak rate, by step.

A schedule also says how long training lasts, in steps or in epochs; all its
other times are in the same unit. It is the one owner of the rate.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Literal

from residency.config import require, require_between, require_positive


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """Length and warm-up, shared by all schedules."""

    total_steps: int | None = None
    """Optimizer steps of the whole training; this or `total_epochs`."""
    total_epochs: float | None = None
    """Passes over the training part; this or `total_steps`."""
    warmup: float = 0.0
    """Length of the warm-up, in the unit of the total."""
    warmup_from: float = 0.0
    """Multiplier at the start of the warm-up. In [0, 1]."""
    warmup_shape: Literal["linear", "constant"] = "linear"
    """`"linear"` rises to 1; `"constant"` stays at `warmup_from`, then jumps."""

    def __post_init__(self) -> None:
        one = (self.total_steps is None) != (self.total_epochs is None)
        require(self, "total_steps", one, "exactly one of total_steps, total_epochs")
        require_positive(self, "total_steps", "total_epochs")
        require_between(self, "warmup_from", 0, 1)
        short = 0 <= self.warmup <= self.total
        require(self, "warmup", short, f"at most the total, {self.total:g}")

    @property
    def total(self) -> float:
        """The length in the schedule's own unit."""
        return float(self.total_steps or self.total_epochs or 0)

    def length(self, steps_per_epoch: int) -> int:
        """Returns the optimizer steps of the whole training, at least 1."""
        if self.total_steps is not None:
            return self.total_steps
        return max(1, round(self.total * steps_per_epoch))

    def multiplier(self, step: int, steps_per_epoch: int) -> float:
        """Returns the factor of the peak rate at `step`, counted from 0. In [0, 1]."""
        unit = 1 if self.total_steps is not None else steps_per_epoch
        time = step / unit
        if time < self.warmup:
            if self.warmup_shape == "constant":
                return self.warmup_from
            return self.warmup_from + (1 - self.warmup_from) * time / self.warmup
        return self.after_warmup(time)

    def after_warmup(self, time: float) -> float:
        """Returns the factor at `time`, in the unit of the total."""
        return 1.0

    def progress(self, time: float) -> float:
        """Returns the share done of what follows the warm-up, in [0, 1]."""
        rest = self.total - self.warmup
        return min(1.0, (time - self.warmup) / rest) if rest else 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class StepDecay(Schedule):
    """Multiplies the rate by `factor` at each boundary.

    Example: the CIFAR schedule of He et al., 2015, section 4.2.

    >>> schedule = StepDecay(boundaries=(32_000, 48_000), total_steps=64_000)
    >>> [round(schedule.multiplier(s, 391), 6) for s in (31_999, 32_000, 48_000)]
    [1.0, 0.1, 0.01]
    """

    boundaries: tuple[float, ...] = ()
    """Times of the drops, increasing, in the unit of the total; `()` is constant."""
    factor: float = 0.1
    """In (0, 1]."""

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        require_positive(self, "factor")
        require_between(self, "factor", 0, 1)
        bounds = (0.0, *self.boundaries, self.total)
        rising = all(a < b for a, b in itertools.pairwise(bounds))
        unit = "steps" if self.total_steps is not None else "epochs"
        require(
            self,
            "boundaries",
            rising or not self.boundaries,
            f"increasing {unit} below total_{unit}={self.total:g}",
        )

    def after_warmup(self, time: float) -> float:
        """Returns `factor` to the number of boundaries passed."""
        return self.factor ** sum(time >= boundary for boundary in self.boundaries)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cosine(Schedule):
    """Half a cosine from the peak to `final` (Loshchilov and Hutter, 2017)."""

    final: float = 0.0
    """Multiplier at the end. In [0, 1]."""

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        require_between(self, "final", 0, 1)

    def after_warmup(self, time: float) -> float:
        """Returns the cosine's value."""
        half = 0.5 * (1 + math.cos(math.pi * self.progress(time)))
        return self.final + (1 - self.final) * half


@dataclass(frozen=True, kw_only=True, slots=True)
class OneCycle(Schedule):
    """Up in a straight line during the warm-up, then straight down to `final`.

    (Smith and Topin, 2018.)

    Example:

    >>> cycle = OneCycle(total_epochs=10, warmup=2, final=0.0)
    >>> [cycle.multiplier(step, 100) for step in (0, 100, 200, 600, 1000)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    final: float = 0.0
    """Multiplier at the end. In [0, 1]."""

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        require_between(self, "final", 0, 1)

    def after_warmup(self, time: float) -> float:
        """Returns the falling line's value."""
        return 1 - (1 - self.final) * self.progress(time)
