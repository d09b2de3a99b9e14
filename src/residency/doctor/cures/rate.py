"""The rate: lower, higher, or that of a frozen body."""

from residency.doctor.cures.layers import body_frozen
from residency.doctor.cures.treatment import Case, Treatment
from residency.records import Finding

STEP = 10.0
"""Between rates, where the finding names none."""


def lower(finding: Finding, case: Case) -> Treatment | None:
    """Takes the lower rate that the finding names, else a tenth."""
    return _at(_named(finding, "lower_rate") or _planned(case) / STEP)


def higher(finding: Finding, case: Case) -> Treatment | None:
    """Takes the higher rate that the finding names, else ten times the rate."""
    rate = _named(finding, "higher_rate") or _planned(case) * STEP
    return _at(rate, faster_only=True)


def of_the_optimizer(finding: Finding, case: Case) -> Treatment | None:
    """Takes the optimizer's own rate instead of the one that overrides it."""
    return _at(_named(finding, "optimizer_rate") or 0.0)


def gentle(finding: Finding, case: Case) -> Treatment | None:
    """Trains the head alone, as before any fine-tuning."""
    return Treatment(words="the head trained alone", on_model=body_frozen)


def _at(rate: float, *, faster_only: bool = False) -> Treatment | None:
    if not rate > 0:
        return None
    return Treatment(words=f"a rate of {rate:.2g}", rate=rate, faster_only=faster_only)


def _named(finding: Finding, name: str) -> float:
    found = finding.evidence.get(name)
    return float(found) if isinstance(found, int | float) else 0.0


def _planned(case: Case) -> float:
    """Returns the highest planned rate, in size."""
    settings = case.settings
    return max(abs(r) for r in (settings.first_rate or 0.0, *settings.epoch_rates))


CURES = {
    "lr_too_high": lower,
    "lr_too_low": higher,
    "lr_schedule_conflict": of_the_optimizer,
    "finetune_lr_too_high": gentle,
}
