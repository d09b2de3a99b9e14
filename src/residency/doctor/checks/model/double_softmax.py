"""RD202: probabilities go into a loss that makes probabilities of them once more."""

import math
from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.head import BINARY, CROSSENTROPIES, Head, read_head
from residency.doctor.checks.model.recompile import recompile
from residency.doctor.probe import Probe
from residency.records import Finding


def find(probe: Probe) -> Sequence[Finding] | None:
    """Compares the last activation with `from_logits` of the loss."""
    loss, head = probe.settings.loss, read_head(probe)
    if loss is None or head is None or head.activation is None:
        return None
    if loss.name not in CROSSENTROPIES or not loss.from_logits:
        return []
    if head.activation not in ("softmax", "sigmoid"):
        return []
    floor, means = _floor(head, loss.name in BINARY)
    return [
        Finding(
            code="RD202",
            label="double_softmax",
            severity="error",
            title=f"The output is {head.activation}, and the loss (from_logits=True) "
            f"applies its own on top: it cannot fall below {floor:.2f}.",
            evidence={
                "activation": head.activation,
                "from_logits": True,
                "loss_floor": round(floor, 4),
                "units": head.units,
            },
            why=f"{means} Gradients are small long before the classes are told apart.",
            cure=f"Drop the {head.activation}, or pass from_logits=False",
            snippet=recompile(f'"{loss.name}"', probe.settings),
            effect="The loss can reach 0; training needs fewer steps.",
        )
    ]


def _floor(head: Head, binary: bool) -> tuple[float, str]:
    """Returns the least loss that certain and right outputs have, and why."""
    if binary or head.units == 1:
        floor = math.log1p(math.exp(-1))
        return floor, "A sure 1 still costs 0.31, a sure 0 costs 0.69."
    floor = math.log(1 + (head.units - 1) / math.e)
    return floor, (
        "Scores between 0 and 1 differ by 1 at most, so the second softmax gives the "
        f"right class {math.exp(-floor):.0%} at best."
    )


CHECK = Check("no activation is applied twice on the way into the loss", find)
