"""What each finding's cure changes, by label: one file a family, nothing runs here.

To add one: a function of the finding and the case that returns a `Treatment`, or `None`
where it does not apply, in its family's `CURES`.
"""

from collections.abc import Mapping

from residency.doctor.cures import inputs, labels, layers, losses, order, rate, weights
from residency.doctor.cures.treatment import NONE, Case, Cure, Treatment, together

CURES: Mapping[str, tuple[Cure, ...]] = {
    **inputs.CURES,
    **labels.CURES,
    **order.CURES,
    **rate.CURES,
    **losses.CURES,
    **layers.CURES,
    **weights.CURES,
}
"""By label of the vocabulary; several are tried in turn until one helps."""

__all__ = ["CURES", "NONE", "Case", "Cure", "Treatment", "together"]
