"""RD309: a weight decay that is not the paper's, in Keras' way of counting."""

from collections.abc import Iterator, Sequence

from residency.doctor.probe import Probe
from residency.records import Finding

OF_PAPERS = (1e-4, 5e-4, 5e-5, 4e-5, 1e-3)
"""Values that papers of convolutional networks name."""
COUPLED = ("SGD", "RMSprop")


def check(probe: Probe) -> Sequence[Finding] | None:
    """Yields decays that look copied from a paper and mean something else here."""
    if probe.settings.optimizer is None:
        return None
    return [*_by_optimizer(probe), *_by_l2(probe)]


def _by_optimizer(probe: Probe) -> Iterator[Finding]:
    optimizer = probe.settings.optimizer
    decay = getattr(optimizer, "weight_decay", None)
    momentum = float(getattr(optimizer, "momentum", 0.0) or 0.0)
    kind = type(optimizer).__name__
    if not decay or kind not in COUPLED or momentum < 0.5:
        return
    factor = 1 / (1 - momentum)
    yield _finding(
        f"{kind}(weight_decay={decay:g}) at momentum {momentum:g} acts {factor:.0f} "
        "times less than the same number in a paper.",
        {"weight_decay": float(decay), "momentum": momentum, "factor": factor},
        "In papers the decay is part of the gradient, and momentum multiplies it by "
        "1 / (1 - momentum). Keras takes it off the weights, outside momentum.",
        f"weight_decay={decay * factor:g}",
    )


def _by_l2(probe: Probe) -> Iterator[Finding]:
    strengths = {
        round(float(getattr(r, "l2", 0.0) or 0.0), 10)
        for node in probe.graph.weighted
        if (r := getattr(node.layer, "kernel_regularizer", None)) is not None
    }
    for strength in sorted(strengths & {round(v, 10) for v in OF_PAPERS}):
        yield _finding(
            f"L2({strength:g}) is a paper's weight decay of {2 * strength:g}.",
            {"l2": strength, "as_weight_decay": 2 * strength},
            "Keras adds l2 times the sum of squares; its gradient is twice that times "
            "the weight, and papers count the gradient.",
            f"kernel_regularizer=keras.regularizers.L2({strength / 2:g})",
        )


def _finding(title: str, evidence: dict[str, float], why: str, snippet: str) -> Finding:
    return Finding(
        code="RD309",
        label="weight_decay_convention",
        severity="advice",
        title=title,
        evidence=evidence,
        why=why,
        cure="Convert it, if the number is from a paper.",
        snippet=snippet,
        effect="The decay that the paper means.",
        confidence=0.6,
    )
