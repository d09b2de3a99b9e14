"""The number to quote, the paper's beside it, and what to know before quoting."""

import math
from dataclasses import dataclass
from typing import Any, cast

from residency.records import Evaluation, best_epoch
from residency.report.run_folder import RunFolder
from residency.report.settings import FIRST

TESTED = (
    *("data.source", "data.classes", "data.first_classes", "model"),
    *("schedule.total_steps", "schedule.total_epochs"),
)
"""What a claim is about: with one of these changed, a run is no test of it."""


@dataclass(frozen=True, slots=True)
class ClaimBeside:
    """The paper's number and ours."""

    said: str
    """Such as `"8.75 % error (table 6)"`."""
    measured: str
    part: str
    verdict: str


def headline(run: RunFolder) -> Evaluation | None:
    """Returns the evaluation to quote: test, else validation, else the first."""
    by_part = {evaluation.part: evaluation for evaluation in run.evaluations}
    for part in ("test", "validation"):
        if part in by_part:
            return by_part[part]
    return next(iter(run.evaluations), None)


def caveats(run: RunFolder) -> list[str]:
    """Returns what a reader must know before quoting a number."""
    told: list[str] = []
    quoted = headline(run)
    best = best_epoch(run.history)
    if quoted is None and run.finished:
        told.append(
            "Nothing was held out, so nothing is known of new images. The numbers "
            "below are those of the training images."
        )
    elif quoted is None:
        told.append(
            "There is no evaluation yet: the run is unfinished or was stopped. "
            "The numbers below are those of its epochs."
        )
        if best and best.validation_accuracy:
            told.append(
                f"Best epoch so far: {best.epoch}, validation accuracy "
                f"{best.validation_accuracy}. It was picked for being the highest, "
                "so it is optimistic."
            )
    elif quoted.part == "train":
        told.append(
            "Only the training images were measured. This says how well the model "
            "remembers, not how well it does on new images."
        )
    elif quoted.used_for_choosing:
        told.append(
            f"The {quoted.part} images were used for choosing the best epoch or a "
            "setting, so this figure is optimistic. Hold out a test part for a "
            "figure to quote."
        )
    elif any(e.used_for_choosing for e in run.evaluations):
        told.append(
            f"Quote the {quoted.part} figure: the others were used for choosing."
        )
    if quoted and quoted.accuracy.total < 1000:
        low, high = quoted.accuracy.interval
        told.append(
            f"Measured on {quoted.accuracy.total:,} images only: the figure is "
            f"uncertain by about {100 * (high - low) / 2:.1f} points either way, and "
            "smaller differences between two models are no evidence."
        )
    loss = cast("dict[str, Any]", run.settings.get("loss") or {})
    if loss.get("kind") == "Distillation":
        told.append(
            f"Distilled from {loss.get('teacher')} (temperature "
            f"{loss.get('temperature')}, weight {loss.get('weight')}): the loss while "
            "training counts the teacher's answers, too, and is no cross-entropy like "
            "the other losses."
        )
    if any(not math.isfinite(record.loss) for record in run.history):
        told.append("The training loss stopped being a number: the run diverged.")
    return told


def claim_beside(run: RunFolder) -> ClaimBeside | None:
    """Returns the paper's claim and the same quantity as measured."""
    claim = run.recipe.get("claim") or run.settings.get("claim")
    quoted = headline(run)
    if not isinstance(claim, dict) or quoted is None:
        return None
    claim = cast("dict[str, Any]", claim)
    metric, value = str(claim.get("metric", "")), claim.get("value")
    measured = _measured(metric, quoted)
    if measured is None or not isinstance(value, int | float):
        return None
    low, high = sorted(measured[1])
    source = claim.get("source")
    return ClaimBeside(
        said=f"{value:g} {_unit(metric)}" + (f" ({source})" if source else ""),
        measured=f"{measured[0]:.2f} {_unit(metric)} (95 % interval "
        f"{low:.2f} to {high:.2f})",
        part=quoted.part,
        verdict=_departure(run) or _verdict(metric, float(value), low, high),
    )


def _departure(run: RunFolder) -> str:
    """Returns what the user changed where nothing can be said of the claim."""
    origins = run.recipe.get("origin")
    known = cast("dict[str, Any]", origins) if isinstance(origins, dict) else {}
    changed = sorted(path for path, by in known.items() if by in FIRST)
    if not any(f"{path}.".startswith(f"{t}.") for path in changed for t in TESTED):
        return ""
    return f"no test of the claim; changed: {', '.join(changed)}"


def _verdict(metric: str, claim: float, low: float, high: float) -> str:
    if low <= claim <= high:
        return "the claim lies within the interval"
    better = claim > high if "error" in metric else claim < low
    return "better than the claim" if better else "short of the claim"


def _measured(
    metric: str, evaluation: Evaluation
) -> tuple[float, tuple[float, float]] | None:
    share = evaluation.top5 if "top5" in metric else evaluation.accuracy
    if share is None:
        return None
    scale = 100.0 if metric.endswith("percent") else 1.0
    low, high = share.interval
    if "error" in metric:
        return scale * (1 - share.rate), (scale * (1 - high), scale * (1 - low))
    if "accuracy" in metric:
        return scale * share.rate, (scale * low, scale * high)
    return None


def _unit(metric: str) -> str:
    words = metric.removesuffix("_percent").removesuffix("_rate").replace("_", " ")
    return f"% {words}" if metric.endswith("percent") else words
