"""RD404: frozen statistics do not fit what they receive."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.checks.transfer.arrival import judge_arrival
from residency.doctor.probe import Node, Probe
from residency.doctor.probe.witness import fit_of, was_trained
from residency.records import Finding

BAD = 1.5
"""Median misfit over the layers: a deviation and a factor e in variance."""
FRESH = 0.25
"""Misfit from which statistics that were never trained normalise nothing."""


def run(probe: Probe) -> Sequence[Finding] | None:
    """Compares statistics of frozen layers with those of a batch."""
    frozen = [
        n for n in probe.graph.of_kind("BatchNormalization") if not n.layer.trainable
    ]
    if not frozen:
        return []
    if probe.forward is None:
        return None
    fresh = [n for n in frozen if not was_trained(n)]
    for nodes, limit in ((fresh, FRESH), ([n for n in frozen if n not in fresh], BAD)):
        misfit = _misfit(probe, nodes)
        if misfit is None or misfit < limit:
            continue
        arrival = None if nodes is fresh else judge_arrival(probe)
        if arrival is not None and arrival.kind != "fine":
            continue  # explained by the inputs
        return [_finding(len(nodes), misfit, never=nodes is fresh)]
    return []


def _misfit(probe: Probe, nodes: Sequence[Node]) -> float | None:
    found = []
    for node in nodes:
        signal = probe.forward.inputs.get(node.name) if probe.forward else None
        if signal is not None and signal.finite:
            fit = fit_of(node, signal.channel_mean, signal.channel_variance)
            found.append(fit.badness)
    return float(np.median(found)) if found else None


def _finding(count: int, misfit: float, *, never: bool) -> Finding:
    what = "were never trained" if never else "do not fit what they receive"
    return Finding(
        code="RD404",
        label="bn_frozen_mismatch",
        severity="warning",
        title=f"The statistics of {count} frozen batch normalisations {what}.",
        evidence={"layers": count, "misfit": misfit, "never_trained": never},
        why=(
            "A frozen batch normalisation keeps its statistics in training too: wrong "
            "ones stay wrong, and it normalises nothing."
        ),
        cure=("let batch normalisation train" if never else "load statistics that fit"),
        snippet=(
            "for layer in model.layers:\n"
            "    if isinstance(layer, keras.layers.BatchNormalization):\n"
            "        layer.trainable = True"
        ),
        effect="signals keep unit scale through the network",
        confidence=0.85,
    )


CHECK = Check("frozen statistics fit what they receive", run)
