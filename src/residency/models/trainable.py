"""What of a network trains, stage by stage: a table for people."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import keras

from residency.models.freezing import Stage, phases_of
from residency.training import Finetune, is_exempt


@dataclass(frozen=True, slots=True)
class StageSummary:
    """One stage of a network, as a training treats it."""

    name: str
    parameters: int
    """Moving statistics included."""
    trained: int
    """Parameters that an optimizer moves."""
    from_epoch: int | None
    """The first epoch in which they move, counted from 1; `None`: frozen."""
    rate: float
    """Share of the learning rate."""
    decayed: int
    """Parameters under weight decay."""
    batch_norm: str
    """`"none"`, `"training"`, `"inference"`, or how many of each."""


def summarize(
    model: keras.Model, finetune: Finetune | None, decay_exempt: Sequence[str]
) -> tuple[StageSummary, ...]:
    """Returns the stages of `model` from the first to the head.

    Args:
        model: Its layers are left set as they are in the last phase.
        finetune: What trains; `None`: all.
        decay_exempt: Of the optimizer.

    Raises:
        ConfigError: As `phases_of`.
    """
    phases = phases_of(model, finetune or Finetune(freeze=()))
    phases[-1].apply()
    starts = {s.name: p.start for p in reversed(phases) for s in p.stages if s.trained}
    return tuple(
        StageSummary(
            name=stage.name,
            parameters=sum(layer.count_params() for layer in stage.layers),
            trained=stage.parameters,
            from_epoch=starts[stage.name] + 1 if stage.parameters else None,
            rate=stage.rate,
            decayed=sum(
                math.prod(variable.shape)
                for variable in stage.variables
                if not is_exempt(variable.path, decay_exempt)
            ),
            batch_norm=_batch_norm(stage),
        )
        for stage in reversed(phases[-1].stages)
    )


def _batch_norm(stage: Stage) -> str:
    training, inference = stage.batch_norm
    if training and inference:
        return f"{training} training, {inference} inference"
    return "training" if training else "inference" if inference else "none"
