"""The rate: lower, higher, or that of a frozen body."""

from residency.doctor.cures.layers import body_frozen
from residency.doctor.cures.treatment import Case, Cure, Treatment
from residency.records import Finding

FACTORS = (10.0, 100.0, 1000.0)
"""Between the planned rate and those tried where the finding names none."""


def lower(finding: Finding, case: Case) -> Treatment | None:
    """Takes the lower rate that the finding names."""
    return _at(_named(finding, "lower_rate"))


def higher(finding: Finding, case: Case) -> Treatment | None:
    """Takes the higher rate that the finding names."""
    return _at(_named(finding, "higher_rate"), faster_only=True)


def lower_by(factor: float) -> Cure:
    """Returns a cure that divides the rate, where no lower one is named."""

    def cure(finding: Finding, case: Case) -> Treatment | None:
        named = _named(finding, "lower_rate")
        return None if named else _at(_planned(case) / factor)

    return cure


def higher_by(factor: float) -> Cure:
    """Returns a cure that multiplies the rate, where no higher one is named."""

    def cure(finding: Finding, case: Case) -> Treatment | None:
        named = _named(finding, "higher_rate")
        return None if named else _at(_planned(case) * factor, faster_only=True)

    return cure


def of_the_optimizer(finding: Finding, case: Case) -> Treatment | None:
    """Takes the optimizer's own rate instead of the one that overrides it."""
    return _at(_named(finding, "optimizer_rate"))


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
    "lr_too_high": (lower, *map(lower_by, FACTORS)),
    "lr_too_low": (higher, *map(higher_by, FACTORS)),
    "lr_schedule_conflict": (of_the_optimizer,),
    "finetune_lr_too_high": (gentle,),
}
