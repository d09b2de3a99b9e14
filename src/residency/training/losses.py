"""Losses."""

from dataclasses import dataclass

import numpy as np

from residency.config import require


@dataclass(frozen=True, kw_only=True, slots=True)
class CrossEntropy:
    """Mean negative log-likelihood of the true class, in nats."""

    label_smoothing: float = 0.0
    """Share of the target spread evenly over all classes, the true one included,
    as in Keras and PyTorch (Szegedy et al., 2016, section 7). In [0, 1)."""

    def __post_init__(self) -> None:
        inside = 0 <= self.label_smoothing < 1
        require(self, "label_smoothing", inside, "a number in [0, 1)")

    def targets(self, labels: np.ndarray, num_classes: int) -> np.ndarray:
        """Returns the targets of `labels` `(n,)`, float64 `(n, num_classes)`.

        Example:

        >>> CrossEntropy(label_smoothing=0.2).targets(np.array([1]), 2).tolist()
        [[0.1, 0.9]]
        """
        hard = np.eye(num_classes)[labels]
        return hard * (1 - self.label_smoothing) + self.label_smoothing / num_classes
