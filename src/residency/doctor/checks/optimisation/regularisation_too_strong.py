"""RD307: the penalty on the weights outweighs what the data say."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from residency.doctor.checks.optimisation.measures import settled, trained_batch_norms
from residency.doctor.probe import Probe
from residency.records import Finding

STEERS = 0.8
"""Share of the squared gradient that is the penalty's, above which it steers."""
PENALTY = 10.0
"""Times the data's loss above which a penalty is too large: L1 and L2 together."""
L1_PENALTY = 2.0
"""The same where L1 is the cause: it pulls with the same force at every size."""
WITH_NORM = 30.0
"""The same for L2 before batch normalisation, where the scale of weights is free."""

NOTHING, MORE = 0.9, 0.6
"""Share of the loss that is left with penalties, and without, where they are what
prevents learning."""


def check(probe: Probe) -> Sequence[Finding] | None:
    """Compares penalty with loss, and their gradients, at the first weights."""
    gradients = probe.gradients
    if gradients is None or not np.isfinite(gradients.loss):
        return None
    penalty = gradients.penalty
    data = gradients.loss - penalty
    prevented = _prevented(probe)
    if prevented is not None:
        return [prevented]
    if penalty <= 0 or data <= 0:
        return []
    has_l1 = _largest(probe, "l1") > 0
    share = _steered(probe)
    limit = L1_PENALTY if has_l1 else PENALTY
    if not has_l1 and trained_batch_norms(probe):
        limit = WITH_NORM
    if penalty < limit * data or (share < 0.5 and not has_l1):
        return []
    return [_finding(penalty, data, share, "l1" if has_l1 else "l2", probe)]


def _prevented(probe: Probe) -> Finding | None:
    """Returns a finding where the same steps without penalties learn far more."""
    trials = probe.trials
    if trials is None or trials.as_set is None:
        return None
    run, without = trials.as_set, np.array(trials.reruns.unpenalised)
    if len(without) < len(run.losses) or not np.isfinite(without).all():
        return None
    start, end = run.plain_first, settled(without)
    if run.plain_last < NOTHING * start or end > MORE * start:
        return None
    return _found(
        title=f"In {len(without)} steps the loss of the data stays at "
        f"{run.plain_last:.3g}; without penalties it goes from {start:.3g} to "
        f"{end:.3g}.",
        evidence={
            "steps": len(without),
            "data_loss": run.plain_last,
            "data_loss_without_penalties": end,
            "penalty_first": run.penalties[0],
        },
        why="The optimizer serves the penalties on weights and activations, which are "
        "cheaper to lower than the loss.",
        cure="Penalties a hundred times smaller, or none.",
        snippet="kernel_regularizer=keras.regularizers.L2(1e-4), "
        "activity_regularizer=None",
    )


def _regularizers(probe: Probe) -> list[Any]:
    layers = {id(node.layer): node.layer for node in probe.graph.nodes}
    found = [getattr(x, "kernel_regularizer", None) for x in layers.values()]
    return [r for r in found if r is not None]


def _largest(probe: Probe, name: str) -> float:
    return max(
        (float(getattr(r, name, 0.0) or 0.0) for r in _regularizers(probe)), default=0.0
    )


def _steered(probe: Probe) -> float:
    """Returns the share of penalised kernels whose gradient is mostly the penalty's."""
    if probe.gradients is None:
        return 0.0
    by_layer = {
        g.layer: g for g in probe.gradients.by_path.values() if g.name == "kernel"
    }
    steered = []
    for node in probe.graph.nodes:
        regularizer = getattr(node.layer, "kernel_regularizer", None)
        gradient = by_layer.get(node.name)
        if regularizer is None or gradient is None or not gradient.rms:
            continue
        l1 = float(getattr(regularizer, "l1", 0.0) or 0.0)
        l2 = float(getattr(regularizer, "l2", 0.0) or 0.0)
        own = l1**2 + (2 * l2 * gradient.weight_rms) ** 2
        steered.append(own / gradient.rms**2 > STEERS)
    return float(np.mean(steered)) if steered else 0.0


def _finding(
    penalty: float, data: float, share: float, kind: str, probe: Probe
) -> Finding:
    strength = _largest(probe, kind)
    smaller = strength * data / penalty / 10
    return _found(
        title=f"The penalty is {penalty:.3g} and the data's loss {data:.3g}; in "
        f"{100 * share:.0f} % of the kernels the penalty alone sets the gradient.",
        evidence={
            "penalty": penalty,
            "data_loss": data,
            "ratio": penalty / data,
            "kernels_steered_share": share,
            kind: strength,
        },
        why="The optimizer shrinks the weights instead of fitting the data"
        + ("; L1 pulls small weights as hard as large ones." if kind == "l1" else "."),
        cure=f"{kind.upper()} of about {smaller:.0e}, or none.",
        snippet=f"kernel_regularizer=keras.regularizers.{kind.upper()}({smaller:.0e})",
    )


def _found(
    *, title: str, evidence: dict[str, Any], why: str, cure: str, snippet: str
) -> Finding:
    return Finding(
        code="RD307",
        label="regularisation_too_strong",
        severity="warning",
        title=title,
        evidence=evidence,
        why=why,
        cure=cure,
        snippet=snippet,
        effect="The loss of the data itself falls.",
        confidence=0.85,
    )
