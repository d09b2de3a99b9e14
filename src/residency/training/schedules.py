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
    """A constant rate, and the length that all schedules have."""

    total_steps: int | None = None
    """Optimizer steps of the whole training; this or `total_epochs`."""
    total_epochs: float | None = None
    """Passes over the training part; this or `total_steps`."""

    def __post_init__(self) -> None:
        one = (self.total_steps is None) != (self.total_epochs is None)
        require(
            self,
            "total_steps",
            one,
            "a number here or in total_epochs, and none in the other",
        )
        require_positive(self, "total_steps", "total_epochs")

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
        return self.at(step / unit)

    def at(self, time: float) -> float:
        """Returns the factor at `time`, in the unit of the total."""
        return 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmedUp(Schedule):
    """A schedule that starts low."""

    warmup: float = 0.0
    """Length of the warm-up, in the unit of the total."""
    warmup_from: float = 0.0
    """Multiplier at the start of the warm-up. In [0, 1]."""
    warmup_shape: Literal["linear", "constant"] = "linear"
    """`"linear"` rises to 1; `"constant"` stays at `warmup_from`, then jumps."""

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        require_between(self, "warmup_from", 0, 1)
        short = 0 <= self.warmup <= self.total
        require(self, "warmup", short, f"at most the total, {self.total:g}")

    def at(self, time: float) -> float:
        """Returns the warm-up's factor, then that of `after_warmup`."""
        if time >= self.warmup:
            return self.after_warmup(time)
        if self.warmup_shape == "constant":
            return self.warmup_from
        return self.warmup_from + (1 - self.warmup_from) * time / self.warmup

    def after_warmup(self, time: float) -> float:
        """Returns the factor at `time`, in the unit of the total."""
        return 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class StepDecay(WarmedUp):
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
        WarmedUp.__post_init__(self)
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
class Cosine(WarmedUp):
    """Half a cosine from the peak to `final` (Loshchilov and Hutter, 2017)."""

    final: float = 0.0
    """Multiplier at the end. In [0, 1]."""

    def __post_init__(self) -> None:
        WarmedUp.__post_init__(self)
        require_between(self, "final", 0, 1)

    def after_warmup(self, time: float) -> float:
        """Returns the cosine's value."""
        rest = self.total - self.warmup
        done = min(1.0, (time - self.warmup) / rest) if rest else 1.0
        half = 0.5 * (1 + math.cos(math.pi * done))
        return self.final + (1 - self.final) * half


@dataclass(frozen=True, kw_only=True, slots=True)
class OneCycle(Schedule):
    """Up from `initial` to the peak in a straight line, then down to `final`.

    (Smith and Topin, 2018.)

    Example:

    >>> cycle = OneCycle(total_epochs=10, peak_at=0.2, initial=0.2)
    >>> [round(cycle.multiplier(n, 100), 6) for n in (0, 100, 200, 600, 1000)]
    [0.2, 0.6, 1.0, 0.5, 0.0]
    """

    peak_at: float = 0.25
    """Share of the training before the peak. In (0, 1)."""
    initial: float = 0.04
    """Multiplier of the first step. In [0, 1]."""
    final: float = 0.0
    """Multiplier at the end. In [0, 1]."""

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        inside = 0 < self.peak_at < 1
        require(self, "peak_at", inside, "a number between 0 and 1")
        require_between(self, "initial", 0, 1)
        require_between(self, "final", 0, 1)

    def at(self, time: float) -> float:
        """Returns the factor of the rising or falling line."""
        done = min(1.0, time / self.total)
        if done < self.peak_at:
            return self.initial + (1 - self.initial) * done / self.peak_at
        return 1 - (1 - self.final) * (done - self.peak_at) / (1 - self.peak_at)
