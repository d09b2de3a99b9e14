"""RD203: scores of any size go into a loss that takes probabilities."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.head import BINARY, CROSSENTROPIES, read_head
from residency.doctor.checks.model.recompile import recompile
from residency.doctor.probe import Probe
from residency.records import Finding


def find(probe: Probe) -> Sequence[Finding] | None:
    """Looks for an output without activation in front of `from_logits=False`."""
    loss, head = probe.settings.loss, read_head(probe)
    if loss is None or head is None:
        return None
    if loss.name not in CROSSENTROPIES or loss.from_logits:
        return []
    if head.activation is None:
        return None
    if head.activation != "linear" or head.sums_to_one:
        return []
    binary = loss.name in BINARY
    activation = "sigmoid" if binary else "softmax"
    evidence: dict[str, float | str | bool] = {
        "activation": "linear",
        "from_logits": False,
    }
    if head.scores is not None and np.isfinite(head.scores).all():
        evidence |= {
            "lowest_score": round(float(head.scores.min()), 4),
            "highest_score": round(float(head.scores.max()), 4),
        }
    name = "".join(part.title() for part in loss.name.split("_"))
    does = (
        "Keras clips them to (0, 1)"
        if binary
        else "Keras divides them by their sum and clips them to (0, 1)"
    )
    return [
        Finding(
            code="RD203",
            label="logits_as_probabilities",
            severity="error",
            title=f"The output has no activation, but {loss.name} takes probabilities "
            "(from_logits=False).",
            evidence=evidence,
            why=f"{does}; negative scores have no gradient any more.",
            cure=f"Tell the loss that it gets scores, or add a {activation}",
            snippet=recompile(f"keras.losses.{name}(from_logits=True)", probe.settings),
            effect="Every score gets a gradient; the loss starts near ln(classes).",
        )
    ]


CHECK = Check("the loss gets what it takes: scores or probabilities", find)
