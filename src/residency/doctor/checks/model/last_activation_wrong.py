"""RD201: the last activation cannot give what the labels ask for."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.head import (
    BINARY,
    HINGE,
    ONE_HOT,
    REGRESSION,
    SPARSE,
    Head,
    read_head,
)
from residency.doctor.checks.model.targets import EXCLUSIVE, Targets, read_targets
from residency.doctor.probe import Loss, Probe
from residency.records import Finding

RANGES = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, math.inf),
    "exponential": (0.0, math.inf),
    "elu": (-1.0, math.inf),
    "selu": (-1.7581, math.inf),
}
"""What each can give; of the others, anything."""
FEW, MANY = 0.02, 0.5
"""Share of targets out of reach: a fault, and one that leaves little to learn."""
_NOT_PROBABILITIES = ("relu", "relu6", "tanh", "softsign", "elu", "selu", "gelu")
_NOT_PROBABILITIES += ("leaky_relu", "prelu", "silu", "swish", "softplus")


def find(probe: Probe) -> Sequence[Finding] | None:
    """Compares what the activation can give with loss and labels."""
    loss, head = probe.settings.loss, read_head(probe)
    if head is None or head.activation is None:
        return None
    if head.activation == "softmax" and head.units == 1 and _axis_is_last(head):
        return [_softmax_of_one()]
    targets = read_targets(probe, head)
    if loss is None or targets is None:
        return None
    found = _against_crossentropy(head, loss, targets) or _against_values(
        head, loss, targets
    )
    return [] if found is None else [found]


def _axis_is_last(head: Head) -> bool:
    layer = None if head.node is None else head.node.layer
    return getattr(layer, "axis", -1) in (-1, len(head.shape))


def _softmax_of_one() -> Finding:
    return _finding(
        "error",
        "The output is softmax over one unit: it is 1 whatever the input.",
        {"activation": "softmax", "units": 1, "output": 1.0},
        "Softmax divides each score by their sum; of one score that is always 1, and "
        "no gradient reaches any weight.",
        "Use sigmoid for one unit",
        'keras.layers.Dense(1, activation="sigmoid")',
        "The loss begins to fall.",
    )


def _against_crossentropy(head: Head, loss: Loss, targets: Targets) -> Finding | None:
    activation = head.activation or ""
    evidence = {"activation": activation, "loss": loss.name, "units": head.units}
    right = "sigmoid" if loss.name in BINARY else "softmax"
    if loss.name in (*ONE_HOT, *SPARSE, *BINARY) and activation in _NOT_PROBABILITIES:
        reason = (
            "Scores that it cuts off or bounds cannot tell the classes apart, and "
            "where it is flat the weights get no gradient."
            if loss.from_logits
            else "The loss takes the logarithm of probabilities: what is zero or "
            "negative is clipped and gets no gradient, a row of zeros is 0/0."
        )
        return _finding(
            "warning" if loss.from_logits else "error",
            f"The output goes through {activation} into {loss.name}, which wants "
            + ("free scores." if loss.from_logits else "probabilities."),
            evidence,
            reason,
            "No activation" if loss.from_logits else f"Use {right}",
            f"keras.layers.Dense({head.units})"
            if loss.from_logits
            else f'keras.layers.Dense({head.units}, activation="{right}")',
            "All classes get a gradient; the loss starts near ln(classes).",
        )
    exclusive = targets.kind in EXCLUSIVE and targets.exclusive_classes > 2
    categorical = loss.name in (*ONE_HOT, *SPARSE) and not loss.from_logits
    if activation == "sigmoid" and categorical and exclusive and head.units > 2:
        return _finding(
            "warning",
            f"{head.units} sigmoids into {loss.name}, for classes that exclude each "
            "other.",
            evidence,
            "The loss divides the outputs by their sum: all can be near 1 and still "
            "share it, so outputs saturate and are no probabilities.",
            "Use softmax",
            f'keras.layers.Dense({head.units}, activation="softmax")',
            "Outputs add up to 1; training is faster and steadier.",
        )
    several = targets.kind == "multi_hot" and targets.width == head.units
    if activation == "softmax" and loss.name in BINARY and several:
        per_row = float(targets.values.sum(axis=1).mean())
        return _finding(
            "warning",
            f"Softmax over {head.units} labels of which {per_row:.1f} hold at once.",
            evidence | {"labels_per_sample": round(per_row, 3)},
            "Softmax makes labels share 1: two that both hold cannot both be likely.",
            "Use sigmoid",
            f'keras.layers.Dense({head.units}, activation="sigmoid")',
            "Each label gets a probability of its own.",
        )
    return None


def _against_values(head: Head, loss: Loss, targets: Targets) -> Finding | None:
    reach = RANGES.get(head.activation or "")
    numeric = targets.kind != "text" and targets.values.dtype.kind in "fiub"
    if reach is None or not numeric or loss.name not in (*REGRESSION, *HINGE):
        return None
    values = targets.values.astype("float64")
    if loss.name in HINGE:
        values = np.where(values == 0, -1.0, values)  # Keras turns 0 into -1
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    spread = max(float(values.std()), 1e-12)
    margin = 0.02 * spread
    outside = float(
        ((values < reach[0] - margin) | (values > reach[1] + margin)).mean()
    )
    shares = targets.kind in ("one_hot", "soft")
    rivals = head.activation == "softmax" and head.units > 1 and not shares
    if targets.kind in ("classes", "maps"):
        rivals = False
    if outside < FEW and not rivals:
        return None
    low, high = float(values.min()), float(values.max())
    what = (
        f"of the targets {outside:.0%} lie outside"
        if outside >= FEW
        else "the targets do not add up to 1 for each sample, as softmax does"
    )
    return _finding(
        "error" if outside >= MANY else "warning",
        f"The output is {head.activation}, in [{reach[0]:g}, {reach[1]:g}]; {what}.",
        {
            "activation": head.activation,
            "lowest_target": low,
            "highest_target": high,
            "share_out_of_reach": round(outside, 4),
        },
        "No weights can give these values; the output is pushed into its flat end, "
        "where gradients vanish.",
        "No activation on the output, or targets scaled into its range",
        f"keras.layers.Dense({head.units})",
        "The loss can fall to the noise of the targets.",
    )


def _finding(
    severity: str,
    title: str,
    evidence: dict[str, Any],
    why: str,
    cure: str,
    snippet: str,
    effect: str,
) -> Finding:
    return Finding(
        code="RD201",
        label="last_activation_wrong",
        severity=severity,
        title=title,
        evidence=evidence,
        why=why,
        cure=cure,
        snippet=snippet,
        effect=effect,
    )


CHECK = Check("the last activation can give what the labels ask for", find)
