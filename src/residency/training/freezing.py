"""Which layers of a network with weights of its own train on, and from when."""

from dataclasses import dataclass
from typing import Literal

from residency.config import require, require_positive

BODY = "body"
HEAD = "head"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finetune:
    """Transfer learning: the head first, then what is not frozen.

    Stages are those of `residency list models --trainable MODEL`: the last is the head,
    all others together are the body. While the head trains alone, the body is in
    inference mode, its dropout off.
    """

    freeze: tuple[str, ...] = (BODY,)
    """Stages or layers that keep their weights, by name; `"body"` stands for every
    stage but the head, `()` for none."""
    train_last: int | None = None
    """Freezes all layers of the body but the last ones, so many: Keras'
    `base.layers[:-train_last]`. Layers without weights count."""
    batch_norm: Literal["stage", "frozen", "train"] = "stage"
    """Batch normalization: `"stage"`, as its stage: frozen, it runs in inference mode
    and its statistics stay; `"frozen"`, so in all stages of the body, even in those
    that train; `"train"`, it trains in frozen stages, too."""
    head_epochs: int = 0
    """Epochs in which the head trains alone, before what `freeze` leaves joins it."""
    stage_rate: float = 1.0
    """Learning rate of a stage as a share of that of the stage behind it; the head has
    the whole rate. In (0, 1] (Howard and Ruder, 2018, section 3.2, divide by 2.6)."""
    feature_passes: int = 4
    """While the head trains alone, the body's features are computed in so many epochs,
    augmented anew in each, and then used again in turn; 0: once, without
    augmentation."""

    def __post_init__(self) -> None:
        require_positive(self, "train_last", "stage_rate")
        require(self, "stage_rate", self.stage_rate <= 1, "a number in (0, 1]")
        require(self, "head_epochs", self.head_epochs >= 0, "0 or more")
        require(self, "feature_passes", self.feature_passes >= 0, "0 or more")
        once = self.train_last is None or self.freeze in ((), (BODY,))
        require(self, "freeze", once, "nothing but body, as train_last is given")
