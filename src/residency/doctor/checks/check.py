"""What a check is: a pure function over the probe, and its word when all is well."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from residency.doctor.probe import Probe
from residency.records import Finding


class Check(NamedTuple):
    """One question put to the probe."""

    healthy: str
    """What holds when nothing is found, as `"no class is missing in a part"`."""
    run: Callable[[Probe], Sequence[Finding] | None]
    """Returns what was found; `None` where the probe cannot tell."""
