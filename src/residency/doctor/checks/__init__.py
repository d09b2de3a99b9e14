"""All checks, in the order in which ties between findings are shown.

A check lives in one file, looks at the probe alone, and has a page in `docs/doctor/`
with a sick and a healthy example. To add one: write the file, name it in its folder's
`CHECKS`, write the page.
"""

from residency.doctor.checks import data, model, optimisation, transfer
from residency.doctor.checks.check import Check

CHECKS: tuple[Check, ...] = (
    *data.CHECKS,
    *transfer.CHECKS,
    *model.CHECKS,
    *optimisation.CHECKS,
)

__all__ = ["CHECKS", "Check"]
