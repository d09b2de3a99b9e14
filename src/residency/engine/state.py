"""Where a training stands: everything besides tensors that a resume needs."""

from dataclasses import dataclass, field
from typing import Any

from residency.records import EpochRecord, Quarantined

INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class EpochSums:
    """What the steps of one epoch add up to."""

    loss: float
    """Mean loss of the epoch's images."""
    images: int
    training_seconds: float


@dataclass(slots=True)
class TrainState:
    """Counters of a running training; the loop moves them, hooks read them."""

    total_steps: int
    steps_per_epoch: int
    peak_rate: float
    step: int = 0
    """Optimizer steps finished."""
    epoch: int = 0
    """Epochs finished."""
    step_in_epoch: int = 0
    """Steps finished in the epoch under way."""
    loss_sum: Any = 0.0
    """Sum over the epoch's images of their loss so far: a float64 scalar that stays
    on the device, so that no step waits for it."""
    batch_images: int = 0
    """Images of the step under way, in all processes together."""
    images: int = 0
    """Images trained on in the epoch so far."""
    training_seconds: float = 0.0
    """Spent in the epoch's steps so far, before a resume too."""
    learning_rate: float = 0.0
    """Of the last step."""
    rate_override: float | None = None
    """Set by a Keras callback that took over the rate."""
    stop: str | None = None
    """Why training ends before `total_steps`; `None`: it goes on."""
    broken: dict[str, Quarantined] = field(default_factory=dict)
    """Images that could not be decoded in this session's batches, by name."""
    history: list[EpochRecord] = field(default_factory=list)
    """One record for each epoch finished."""

    @property
    def mean_loss(self) -> float:
        """Mean loss of the epoch's images so far; waits for the device."""
        return float(self.loss_sum) / max(1, self.images)

    @property
    def epoch_complete(self) -> bool:
        """The epoch under way has no step left."""
        return self.finished or self.step_in_epoch >= self.steps_per_epoch

    @property
    def finished(self) -> bool:
        """All steps are done."""
        return self.step >= self.total_steps

    def close_epoch(self) -> EpochSums:
        """Returns the sums of the epoch that ended and starts the next at zero."""
        sums = EpochSums(
            self.mean_loss,
            self.images,
            self.training_seconds,
        )
        self.epoch += 1
        self.step_in_epoch = self.images = 0
        self.loss_sum = self.training_seconds = 0.0
        return sums
