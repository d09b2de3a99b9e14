"""Losses on logits, as their settings say."""

import numpy as np
import torch
from torch.nn.functional import cross_entropy, kl_div

from residency.engine.network import Network
from residency.training import CrossEntropy, Distillation


def loss_of(
    config: CrossEntropy | Distillation,
    logits: torch.Tensor,
    labels: torch.Tensor,
    taught: torch.Tensor | None = None,
) -> torch.Tensor:
    """Returns the mean loss of a batch, a scalar.

    Args:
        config: Which loss.
        logits: Of the network, `(batch, classes)`.
        labels: Class numbers, int64, `(batch,)`.
        taught: Logits of the teacher, for `Distillation`.
    """
    hard = cross_entropy(logits, labels, label_smoothing=config.label_smoothing)
    if taught is None or not isinstance(config, Distillation):
        return hard
    heat = config.temperature
    soft = kl_div(
        (logits / heat).log_softmax(dim=1),
        (taught / heat).log_softmax(dim=1),
        reduction="batchmean",
        log_target=True,
    )
    return (1 - config.weight) * hard + config.weight * heat**2 * soft


class Teacher:
    """A trained network whose logits another one learns.

    Args:
        network: The teacher.
        columns: Its class numbers in the order of the pupil's classes.
    """

    def __init__(self, network: Network, columns: list[int]) -> None:
        self.network = network
        self.columns = torch.tensor(columns, device=network.device)

    @torch.no_grad()
    def logits(
        self, images: np.ndarray | torch.Tensor, *, training: bool = False
    ) -> torch.Tensor:
        """Returns logits `(batch, classes)` of uint8 `images`, in inference mode.

        As a network's, so that a teacher can be measured like one.
        """
        return self.network.logits(images, training=False)[:, self.columns]
