"""What a recipe is."""

from dataclasses import dataclass
from typing import Literal

from residency.config import require, require_not_negative, require_positive
from residency.data import Data
from residency.models.section import Model, OwnModel
from residency.training import (
    SGD,
    AdamW,
    Cosine,
    CrossEntropy,
    Distillation,
    Finetune,
    Muon,
    OneCycle,
    StepDecay,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """The number that the recipe promises, and who says so."""

    metric: Literal["error_percent", "accuracy_percent"]
    value: float
    source: str
    """Where the number stands: paper and table, or the file of a measurement."""

    @property
    def accuracy_percent(self) -> float:
        """The promise as a test accuracy, in per cent."""
        return self.value if self.metric == "accuracy_percent" else 100 - self.value


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """All settings of a training. Everything in it can be set by its path."""

    name: str
    data: Data
    model: Model | OwnModel
    optimizer: SGD | AdamW | Muon
    schedule: StepDecay | Cosine | OneCycle
    loss: CrossEntropy | Distillation = CrossEntropy()
    finetune: Finetune | None = None
    """What of a network with trained weights trains on, and when; `None`: all of it,
    from the first step on."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Of matrix products and convolutions; variables stay float32."""
    batch_norm_over: Literal["batch", "share"] = "batch"
    """What batch normalization takes its statistics over where several processes
    train: the whole batch, as one process does; or each its own share of it, which
    spares a wait in every layer but is another training."""
    clip_norm: float | None = None
    """Largest norm of all gradients together; `None`: no clipping."""
    micro_batch: int | None = None
    """Most images that go through the network at once; the gradients of a batch's parts
    are added up, and batch normalization sees each part alone. `None`: all at once."""
    seed: int = 0
    """Of the initial weights, the order of the images and their augmentation."""
    checkpoint_minutes: float = 5.0
    """Longest time between two checkpoints inside an epoch; 0: after every step."""
    claim: Claim | None = None

    def __post_init__(self) -> None:
        require_positive(self, "clip_norm", "micro_batch")
        require(self, "seed", 0 <= self.seed < 2**32, "a number in [0, 4294967295]")
        require_not_negative(self, "checkpoint_minutes")
