"""Every cure of a diagnosis, tried: findings whose cure does not help step back."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from residency.doctor.cures import CURES, NONE, Treatment, together
from residency.doctor.diagnose import prepared
from residency.doctor.diagnosis import Diagnosis
from residency.doctor.ordering import in_order
from residency.doctor.probe.keep import unchanged
from residency.doctor.trying.arm import Curve, OutOfTimeError
from residency.doctor.trying.session import Session, open_session
from residency.doctor.trying.verdict import HELPED, SAME, WORSE, judge
from residency.errors import ConfigError
from residency.recipes import Recipe
from residency.records import Finding, Trial

NO_TIME = "No time was left for it: give a larger budget."
NOT_SHOWN = "It is nothing that a few steps of training can show."
NOT_HERE = "How to apply it to this model and these data is not known."


def try_cures(
    model: keras.Model,
    train: Any,
    diagnosis: Diagnosis,
    *,
    epochs: int | None = None,
    callbacks: Sequence[Any] = (),
    recipe: str | Recipe | None = None,
    budget_seconds: float = 60,
) -> Diagnosis:
    """Trains a few steps with and without each cure; keeps the findings that it helps.

    Both trainings start at the model's weights, see the same batches in the same order
    and are measured with the same rows, which neither trains on, a few times over. The
    model, its weights, its optimizer and all random states are afterwards as they
    were. Advice is not tried.

    Args:
        model: That of the diagnosis.
        train: Its training data, as `diagnose` takes them.
        diagnosis: What was found.
        epochs: How many are planned; `None`: not known.
        callbacks: Those that `fit` would get.
        recipe: For a model that is not compiled.
        budget_seconds: About the time taken; slow models are tried for fewer steps.

    Returns:
        The diagnosis with `trials`. A finding whose cure makes no difference is lowered
        to advice; one whose cure harms is withdrawn, or lowered where it states a fact
        (confidence 1). What could not be tried stays as it is.

    Raises:
        ConfigError: `budget_seconds` is not positive, or no such recipe.
        DataError: Data of a kind that `fit` would not take.
    """
    begin = time.monotonic()
    if not budget_seconds > 0:
        raise ConfigError(
            f"try_cures: expected budget_seconds above 0, got {budget_seconds}."
        )
    suspects = [f for f in diagnosis.findings if f.severity != "advice"]
    train, _, plan = prepared(model, train, None, recipe)
    with unchanged(model):
        session = open_session(
            model,
            train,
            cures=sum(f.label in CURES for f in suspects),
            end=begin + budget_seconds,
            epochs=epochs,
            callbacks=callbacks,
            recipe=plan,
        )
        trials = _try_all(session, suspects)
    return replace(
        diagnosis,
        findings=in_order(_after(diagnosis.findings, suspects, trials)),
        trials=tuple(trials),
        seconds=round(diagnosis.seconds + time.monotonic() - begin, 2),
    )


def _after(
    findings: Sequence[Finding], suspects: Sequence[Finding], trials: Sequence[Trial]
) -> list[Finding]:
    """Returns the findings as their trials leave them."""
    outcome = {id(f): t.outcome for f, t in zip(suspects, trials, strict=True)}
    return [
        replace(f, severity="advice") if outcome.get(id(f)) == "lowered" else f
        for f in findings
        if outcome.get(id(f)) != "withdrawn"
    ]


def _try_all(session: Session | str, suspects: Sequence[Finding]) -> list[Trial]:
    """Tries each cure alone; those without effect once more on top of the others.

    One fault can hide that the cure of another helps.
    """
    if isinstance(session, str):
        return [_untried(finding, session) for finding in suspects]
    trials, basis = [], NONE
    for finding in suspects:
        trial, how = _try(session, finding, NONE)
        trials.append(trial)
        if how is not None and trial.verdict == HELPED:
            basis = together(basis, how)
    if basis is NONE:
        return trials
    return [
        _again(session, finding, basis, trial)
        if trial.verdict in (SAME, WORSE)
        else trial
        for finding, trial in zip(suspects, trials, strict=True)
    ]


def _again(session: Session, finding: Finding, basis: Treatment, first: Trial) -> Trial:
    second, _ = _try(session, finding, basis)
    return second if second.verdict == HELPED else first


def _try(
    session: Session, finding: Finding, basis: Treatment
) -> tuple[Trial, Treatment | None]:
    """Returns the trial, and the cure alone if it was tried."""
    begin = time.monotonic()
    make = CURES.get(finding.label)
    if make is None:
        return _untried(finding, NOT_SHOWN), None
    cure = make(finding, session.case)
    if cure is None:
        return _untried(finding, NOT_HERE), None
    how = together(basis, cure)
    base = replace(basis, by_moving_statistics=how.by_moving_statistics)
    try:
        untreated, treated = session.curves(base), session.curves(how)
    except OutOfTimeError:
        return _untried(finding, NO_TIME), None
    if isinstance(treated, str):
        return _untried(finding, f"With it, training raises {treated}"), None
    if isinstance(untreated, str):
        verdict = HELPED
    else:
        verdict = judge(untreated, treated, faster_only=cure.faster_only)
    trial = Trial(
        code=finding.code,
        label=finding.label,
        title=finding.title,
        treatment=how.words,
        verdict=verdict,
        outcome=_outcome(finding, verdict),
        summary=_summary(untreated, treated),
        measure=session.plan.yardstick.name,
        steps=session.plan.steps,
        repeats=session.plan.repeats,
        untreated=() if isinstance(untreated, str) else _mean(untreated),
        treated=_mean(treated),
        seconds=round(time.monotonic() - begin, 2),
    )
    return trial, cure


def _untried(finding: Finding, why: str) -> Trial:
    return Trial(
        code=finding.code,
        label=finding.label,
        title=finding.title,
        treatment="",
        verdict="not tried",
        outcome="as it was",
        summary=why,
    )


def _outcome(finding: Finding, verdict: str) -> str:
    if verdict == HELPED:
        return "confirmed"
    certain = finding.confidence == 1
    return "withdrawn" if verdict == WORSE and not certain else "lowered"


def _summary(untreated: tuple[Curve, ...] | str, treated: tuple[Curve, ...]) -> str:
    if isinstance(untreated, str):
        return f"Without it, training raises {untreated}; with it, {_ends(treated)}."
    return f"Without it {_ends(untreated)}, with it {_ends(treated)}."


def _ends(curves: Sequence[Curve]) -> str:
    """Returns where curves end, in words: accuracy where there is one."""
    accuracies = [c[-1].accuracy for c in curves if c[-1].accuracy is not None]
    error = f"an error of {_mean(curves)[-1]:.2f} of a guess's"
    if not accuracies:
        return error
    return f"an accuracy of {100 * float(np.mean(accuracies)):.0f} % and {error}"


def _mean(curves: Sequence[Curve]) -> tuple[float, ...]:
    errors = np.mean([[reading.error for reading in curve] for curve in curves], axis=0)
    return tuple(round(float(error), 4) for error in errors)
