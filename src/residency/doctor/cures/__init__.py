"""What each finding's cure changes, by label: one file a family, nothing runs here.

To add one: a function of the finding and the case that returns a `Treatment`, or `None`
where this case cannot be treated, in its family's `CURES`.
"""

from collections.abc import Callable, Mapping

from residency.doctor.cures import inputs, labels, layers, losses, order, rate, weights
from residency.doctor.cures.treatment import NONE, Case, Treatment, together
from residency.records import Finding

CURES: Mapping[str, Callable[[Finding, Case], Treatment | None]] = {
    **inputs.CURES,
    **labels.CURES,
    **order.CURES,
    **rate.CURES,
    **losses.CURES,
    **layers.CURES,
    **weights.CURES,
}
"""By label of the vocabulary."""

__all__ = ["CURES", "NONE", "Case", "Treatment", "together"]
