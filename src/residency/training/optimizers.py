"""Optimizers, in the papers' terms."""

from dataclasses import dataclass

from residency.config import require, require_not_negative, require_positive


@dataclass(frozen=True, kw_only=True, slots=True)
class SGD:
    """Stochastic gradient descent with momentum."""

    learning_rate: float
    """Peak rate per step, for `base_batch_size` images. In (0, inf)."""
    momentum: float = 0.9
    """In [0, 1)."""
    nesterov: bool = False
    """Look-ahead momentum (Sutskever et al., 2013)."""
    weight_decay: float = 0.0
    """L2 term inside the gradient, as in the papers and PyTorch; about ten times
    Keras' own `weight_decay` at momentum 0.9. In [0, inf)."""
    decay_exempt: tuple[str, ...] = ()
    """Variables without decay, by the last part of their path."""
    base_batch_size: int | None = None
    """Batch the rate was tuned at; if given, the rate scales linearly with the batch
    (Goyal et al., 2017). `None`: no scaling."""

    def __post_init__(self) -> None:
        require_positive(self, "learning_rate", "base_batch_size")
        require(self, "momentum", 0 <= self.momentum < 1, "a number in [0, 1)")
        require_not_negative(self, "weight_decay")
        usable = self.momentum > 0 or not self.nesterov
        require(self, "nesterov", usable, "false, as there is no momentum")

    def rate_for(self, batch_size: int) -> float:
        """Returns the peak rate at this batch size."""
        return self.learning_rate * batch_size / (self.base_batch_size or batch_size)


@dataclass(frozen=True, kw_only=True, slots=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    learning_rate: float = 1e-3
    """Peak rate per step, for `base_batch_size` images. In (0, inf)."""
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    """Shrinkage per step, times the rate; not an L2 term. In [0, inf)."""
    decay_exempt: tuple[str, ...] = ("bias", "gamma", "beta")
    """Variables without decay, by the last part of their path."""
    base_batch_size: int | None = None
    """As for `SGD`."""

    def __post_init__(self) -> None:
        require_positive(self, "learning_rate", "epsilon", "base_batch_size")
        for name in ("beta_1", "beta_2"):
            require(self, name, 0 <= getattr(self, name) < 1, "a number in [0, 1)")
        require_not_negative(self, "weight_decay")

    def rate_for(self, batch_size: int) -> float:
        """Returns the peak rate at this batch size."""
        return self.learning_rate * batch_size / (self.base_batch_size or batch_size)


@dataclass(frozen=True, kw_only=True, slots=True)
class Muon:
    """Orthogonalized momentum for the kernels inside a network, SGD for all else.

    Each kernel of a convolution but the first moves by the closest orthogonal matrix
    to its Nesterov momentum and keeps the norm sqrt(out channels), as in the
    CIFAR-10 speed runs: right where batch normalization follows each convolution, so
    that a kernel's length means nothing. Stem, classifier, biases and normalization
    take SGD with Nesterov momentum. Reference:
    [Jordan et al., 2024](https://kellerjordan.github.io/posts/muon/).
    """

    learning_rate: float = 0.06
    """Peak rate of the orthogonal steps. In (0, inf)."""
    sgd_rate: float = 0.3
    """Peak rate of all else; follows the same schedule. In (0, inf)."""
    momentum: float = 0.9
    """Of both. In (0, 1)."""
    weight_decay: float = 0.0
    """L2 term inside the gradient of what SGD moves. In [0, inf)."""
    decay_exempt: tuple[str, ...] = ()
    """Variables without decay, by the last part of their path."""
    base_batch_size: int | None = None
    """As for `SGD`."""

    def __post_init__(self) -> None:
        require_positive(self, "learning_rate", "sgd_rate", "base_batch_size")
        inside = 0 < self.momentum < 1
        require(self, "momentum", inside, "a number between 0 and 1")
        require_not_negative(self, "weight_decay")

    def rate_for(self, batch_size: int) -> float:
        """Returns the peak rate at this batch size."""
        return self.learning_rate * batch_size / (self.base_batch_size or batch_size)
