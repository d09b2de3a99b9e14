"""Losses."""

from dataclasses import dataclass

import numpy as np

from residency.config import require, require_between, require_positive


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Distillation:
    """Cross-entropy with the true classes and with what a larger network says of them.

    `(1 - weight) * CE(labels, softmax(s)) + weight * T^2 * KL(softmax(t / T),
    softmax(s / T))` for logits `s` of the network, `t` of its teacher, temperature `T`.
    The factor `T^2` keeps the gradients from shrinking with `1 / T^2`; that of the soft
    term is `T (softmax(s / T) - softmax(t / T))`, up to `T` times a cross-entropy's:
    where the loss rises at first, take a lower rate. The reference has the
    cross-entropy of the soft classes, which is more by the teacher's entropy, that no
    gradient sees.

    Reference: [Hinton et al., 2015](https://arxiv.org/abs/1503.02531).
    """

    teacher: str
    """A run folder or `.keras` file. It sees the same augmented images, prepared as its
    own layers say, in inference mode, and knows the same classes by name, in any order;
    a file without names, in the order of the data. The run keeps a copy of it."""
    temperature: float = 4.0
    """Softens both predictions. In (0, inf). In the reference 2.5 to 4 were best for a
    very small network, and all above 8 alike for larger ones (section 3)."""
    weight: float = 0.9
    """Share of the teacher. In [0, 1]. The reference has the labels weigh "considerably
    lower" (section 2) and gives no number."""
    label_smoothing: float = 0.0
    """Of the true classes; as for `CrossEntropy`."""

    def __post_init__(self) -> None:
        require_positive(self, "temperature")
        require_between(self, "weight", 0, 1)
        inside = 0 <= self.label_smoothing < 1
        require(self, "label_smoothing", inside, "a number in [0, 1)")
