"""RD407: pretrained layers are trained at a from-scratch rate."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.transfer.backbone import find_backbone
from residency.doctor.probe import Probe
from residency.records import Finding

ADAPTIVE = ("Adam", "AdamW", "Nadam", "Adamax", "RMSprop")
"""Each step moves each weight by about the rate, whatever the gradient."""
ADAPTIVE_RATE, SGD_RATE = 5e-4, 0.2
"""Guides fine-tune at 1e-5 to 1e-4 with Adam, and at 0.001 to 0.01 with momentum 0.9;
SGD's rate is that over `1 - momentum`. From scratch one takes 1e-3, and 0.5 or more."""
MOST = 0.3
"""Share of kernels that train, under which only the last block is at stake."""


def run(probe: Probe) -> Sequence[Finding] | None:
    """Compares the largest planned rate with what pretrained weights bear."""
    backbone = find_backbone(probe)
    if backbone is None:
        return []
    if not backbone.family.module or not backbone.trainable_share:
        return []
    settings = probe.settings
    name = type(settings.optimizer).__name__
    rates = [r for r in (*settings.epoch_rates, settings.rate or 0.0) if r > 0]
    if settings.optimizer is None or not rates:
        return None
    rate = max(settings.epoch_rates, default=max(rates))
    effective, limit = rate, ADAPTIVE_RATE
    if name == "SGD":
        effective = rate / max(1 - float(settings.optimizer.momentum), 1e-3)
        limit = SGD_RATE
    elif name not in ADAPTIVE:
        return None
    if effective < limit:
        return []
    share = backbone.trainable_share
    strong = share >= MOST
    good = 1e-5 if name in ADAPTIVE else 1e-3
    return [
        Finding(
            code="RD407",
            label="finetune_lr_too_high",
            severity="warning" if strong else "advice",
            title=(
                f"{name} with a rate of {rate:g} trains {100 * share:.0f} % of the "
                f"pretrained {backbone.family.words}."
            ),
            evidence={
                "rate": rate,
                "effective_rate": effective,
                "limit": limit,
                "trainable_share": share,
            },
            why=(
                "At the rate of a training from scratch the first steps, driven by a "
                "random head, undo what the weights know."
            ),
            cure="train the head first, then the rest at a hundredth of the rate",
            snippet=(
                "base.trainable = False  # fit the head, then:\n"
                "base.trainable = True\n"
                f"model.compile(keras.optimizers.{name}({good:g}), loss=...)"
            ),
            effect="accuracy starts high and stays",
            confidence=0.85 if strong else 0.5,
        )
    ]


CHECK = Check("pretrained layers train at a gentle rate, if at all", run)
