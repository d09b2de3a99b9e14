"""RD308: the optimizer's weight decay also shrinks biases and normalisation."""

from collections.abc import Sequence

from residency.doctor.probe import Probe
from residency.records import Finding

MATTERS = 1e-5
SCALES = ("bias", "gamma", "beta", "scale")
BY_DEFAULT = ("AdamW", "Lion", "Muon")
"""Optimizers made to decay, whose users mostly let them decay everything."""


def check(probe: Probe) -> Sequence[Finding] | None:
    """Lists biases, scales and shifts that the optimizer's decay acts on."""
    optimizer = probe.settings.optimizer
    if optimizer is None:
        return None
    decay = getattr(optimizer, "weight_decay", None)
    if not decay or decay < MATTERS:
        return []
    layers = {id(node.layer): node for node in probe.graph.nodes}.values()
    decayed = [
        (node.kind, variable.name)
        for node in layers
        for variable in getattr(node.layer, "trainable_variables", ())
        if variable.name in SCALES and optimizer._use_weight_decay(variable)
    ]
    if not decayed:
        return []
    norms = sum(kind.endswith("Normalization") for kind, _ in decayed)
    return [_finding(type(optimizer).__name__, float(decay), len(decayed), norms)]


def _finding(optimizer: str, decay: float, count: int, norms: int) -> Finding:
    usual = optimizer in BY_DEFAULT or norms == 0
    return Finding(
        code="RD308",
        label="decay_on_bias_bn",
        severity="advice" if usual else "warning",
        title=f"{optimizer}'s weight_decay of {decay:g} acts on {count} biases, scales "
        f"and shifts, {norms} of them of normalisations.",
        evidence={
            "optimizer": optimizer,
            "weight_decay": decay,
            "variables": count,
            "of_normalisations": norms,
        },
        why="Keras decays every variable that is not excluded. Scales that shrink "
        "lower the signal, and nothing is gained: neither they nor biases overfit.",
        cure="Exclude them before training.",
        snippet="optimizer.exclude_from_weight_decay("
        'var_names=["bias", "gamma", "beta"])',
        effect="Slightly higher accuracy over long trainings "
        "(He et al., 2019, section 3.1).",
        confidence=0.8,
    )
