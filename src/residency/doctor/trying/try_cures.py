"""Every cure of a diagnosis, tried: findings whose cure does not help step back."""

import functools
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
from residency.doctor.trying.session import NO_TIME, Session, open_session
from residency.doctor.trying.verdict import HELPED, SAME, UNCLEAR, WORSE, judge
from residency.errors import ConfigError
from residency.recipes import Recipe
from residency.records import Finding, Trial

UNTRIED, WITHDRAWN = "not tried", "withdrawn"
ORDER = (HELPED, UNCLEAR, SAME, WORSE, UNTRIED)
"""Of verdicts, best first."""
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
        to advice; one whose cure harms is withdrawn. What states a fact (confidence 1)
        falls a step less. What could not be tried, or told from noise, stays as it is.

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
    if not suspects:
        return diagnosis
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
    verdicts = {id(f): t.verdict for f, t in zip(suspects, trials, strict=True)}
    left = [(f, _left(f, verdicts.get(id(f), UNTRIED))) for f in findings]
    return [replace(f, severity=now) for f, now in left if now != WITHDRAWN]


def _left(finding: Finding, verdict: str) -> str:
    """Returns the severity that a finding is left with, or `WITHDRAWN`.

    What states a fact (confidence 1) falls more gently than what is suspected.
    """
    certain = finding.confidence == 1
    if verdict == WORSE:
        return "advice" if certain else WITHDRAWN
    if verdict == SAME:
        fact = certain and finding.severity == "error"
        return "warning" if fact else "advice"
    return finding.severity


def _try_all(session: Session | str, suspects: Sequence[Finding]) -> list[Trial]:
    """Tries each cure alone; those without effect once more on top of others.

    One fault can hide that the cure of another helps.
    """
    if isinstance(session, str):
        return [_untried(finding, session) for finding in suspects]
    tried = [_try(session, finding, NONE) for finding in suspects]
    return [
        _again(session, finding, trial, _basis(tried, how))
        if how is not None and trial.verdict != HELPED
        else trial
        for finding, (trial, how) in zip(suspects, tried, strict=True)
    ]


def _basis(
    tried: Sequence[tuple[Trial, Treatment | None]], how: Treatment | None
) -> Treatment:
    """Returns the cures that helped; if none did, all others that do no harm."""
    for verdicts in ((HELPED,), (UNCLEAR, SAME)):
        others = [
            other
            for trial, other in tried
            if trial.verdict in verdicts and other is not None and other is not how
        ]
        if others:
            return functools.reduce(together, others, NONE)
    return NONE


def _again(session: Session, finding: Finding, first: Trial, basis: Treatment) -> Trial:
    """Returns the trial on top of `basis` if it helps there, else the first.

    It has to be better than no cure at all too: other cures may have done the harm.
    """
    if basis is NONE:
        return first
    second, _ = _try(session, finding, basis)
    return second if second.verdict == HELPED else first


def _try(
    session: Session, finding: Finding, basis: Treatment
) -> tuple[Trial, Treatment | None]:
    """Returns the best trial of the cures and its cure; `None`: none was applied."""
    if finding.label not in CURES:
        return _untried(finding, NOT_SHOWN), None
    cures = [make(finding, session.case) for make in CURES[finding.label]]
    done: list[tuple[Trial, Treatment | None]] = []
    for cure in filter(None, cures):
        done.append(_try_one(session, finding, cure, basis))
        if done[-1][0].verdict in (HELPED, UNTRIED):
            break
    if not done:
        return _untried(finding, NOT_HERE), None
    return min(done, key=lambda pair: ORDER.index(pair[0].verdict))


def _try_one(
    session: Session, finding: Finding, cure: Treatment, basis: Treatment
) -> tuple[Trial, Treatment | None]:
    begin = time.monotonic()
    how = together(basis, cure)
    base = replace(
        basis, by_moving_statistics=how.by_moving_statistics, steps=how.steps
    )
    try:
        untreated, treated = session.curves(base), session.curves(how)
    except OutOfTimeError:
        return _untried(finding, NO_TIME), None
    if isinstance(treated, str):
        return _untried(finding, f"With it, training raises {treated}"), cure
    if isinstance(untreated, str):
        verdict = HELPED
    else:
        verdict = judge(untreated, treated, faster_only=cure.faster_only)
        if verdict == HELPED and basis is not NONE:
            verdict = _against_none(session, how, treated)
    trial = Trial(
        code=finding.code,
        label=finding.label,
        title=finding.title,
        treatment=cure.words
        if basis is NONE
        else f"{cure.words}, on top of {basis.words}",
        verdict=verdict,
        outcome=_outcome(finding, verdict),
        summary=_summary(untreated, treated),
        measure=session.plan.yardstick.name,
        steps=how.steps or session.plan.steps,
        repeats=len(treated),
        untreated=() if isinstance(untreated, str) else _mean(untreated),
        treated=_mean(treated),
        seconds=round(time.monotonic() - begin, 2),
    )
    return trial, cure


def _against_none(session: Session, how: Treatment, treated: tuple[Curve, ...]) -> str:
    plain = replace(
        NONE, by_moving_statistics=how.by_moving_statistics, steps=how.steps
    )
    untreated = session.curves(plain)
    return HELPED if isinstance(untreated, str) else judge(untreated, treated)


def _untried(finding: Finding, why: str) -> Trial:
    return Trial(
        code=finding.code,
        label=finding.label,
        title=finding.title,
        treatment="",
        verdict=UNTRIED,
        outcome="as it was",
        summary=why,
    )


def _outcome(finding: Finding, verdict: str) -> str:
    if verdict == HELPED:
        return "confirmed"
    if verdict == UNCLEAR:
        return "as it was"
    left = _left(finding, verdict)
    return left if left == WITHDRAWN else f"now {left}"


def _summary(untreated: tuple[Curve, ...] | str, treated: tuple[Curve, ...]) -> str:
    if isinstance(untreated, str):
        return f"With it {_ends(treated)}; without it training raises {untreated}"
    return f"Without it {_ends(untreated)}; with it {_ends(treated)} (a guess: 1)."


def _ends(curves: Sequence[Curve]) -> str:
    """Returns where curves end, in words: accuracy too where there is one."""
    accuracies = [c[-1].accuracy for c in curves if c[-1].accuracy is not None]
    error = f"error {_mean(curves)[-1]:.2f}"
    if not accuracies:
        return error
    return f"accuracy {100 * float(np.mean(accuracies)):.0f} %, {error}"


def _mean(curves: Sequence[Curve]) -> tuple[float, ...]:
    errors = np.mean([[reading.error for reading in curve] for curve in curves], axis=0)
    return tuple(round(float(error), 4) for error in errors)
