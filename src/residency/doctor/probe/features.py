"""A few numbers that stand for an input, and how well they tell its class."""

from dataclasses import dataclass

import numpy as np

COLUMNS = 320
"""Most numbers kept of an input; of wider ones random sums."""
ROWS = 1500
"""Most inputs that are looked at."""
SHUFFLES = 20
FOLDS = 4


def shrink(images: np.ndarray, side: int) -> np.ndarray:
    """Returns block means `(n, side, side, channels)`; smaller pictures stay.

    Rows and columns that do not fill a block are left out on the right and below.
    """
    height, width = images.shape[1:3]
    rows, columns = min(side, height), min(side, width)
    a, b = height // rows, width // columns
    cut = images[:, : rows * a, : columns * b]
    shape = (len(images), rows, a, columns, b, images.shape[-1])
    return cut.reshape(shape).mean(axis=(2, 4), dtype="float32")


def features_of(x: np.ndarray, *, images: bool) -> np.ndarray:
    """Returns standardised numbers `(n, columns)` of inputs.

    Args:
        x: `(n, ...)`.
        images: Whether they are pictures `(n, height, width, channels)`: block means
            and the mean and deviation of each channel.
    """
    if images:
        x = x.astype("float32")
        parts = [shrink(x, 8).reshape(len(x), -1), x.std(axis=(1, 2))]
        flat = np.concatenate(parts, axis=1)
    else:
        flat = x.reshape(len(x), -1).astype("float32")
    if flat.shape[1] > COLUMNS:
        flat = flat - flat.mean(axis=0)
        signs = np.random.default_rng(0).standard_normal((flat.shape[1], COLUMNS))
        flat = flat @ signs.astype("float32")
    spread = flat.std(axis=0)
    return ((flat - flat.mean(axis=0)) / np.where(spread > 0, spread, 1)).astype(
        "float64"
    )


@dataclass(frozen=True, slots=True)
class Dependence:
    """How well labels follow from inputs, against the same with labels permuted."""

    accuracy: float
    """Of the better of two simple rules, on inputs it was not fitted to; of numbers the
    share of their variance that it explains."""
    chance: float
    """Its mean with permuted labels."""
    z: float
    """Their difference in deviations over permutations."""


def dependence(x: np.ndarray, y: np.ndarray) -> Dependence:
    """Measures whether labels depend on features, by rules fitted and tested apart.

    Args:
        x: Features `(n, columns)`.
        y: Class numbers `(n,)`, or real numbers.
    """
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(x))[:ROWS]
    x, y = x[chosen], y[chosen]
    linear = _LinearRule(x)
    near = _NearRule(x)
    judge = _explained if y.dtype.kind == "f" else _right
    true = max(judge(linear, y), judge(near, y))
    permuted = []
    for _ in range(SHUFFLES):
        shuffled = rng.permutation(y)
        permuted.append(max(judge(linear, shuffled), judge(near, shuffled)))
    spread = max(float(np.std(permuted)), 0.5 / np.sqrt(len(y)) * 0.5, 1e-6)
    chance = float(np.mean(permuted))
    return Dependence(true, chance, (true - chance) / spread)


class _LinearRule:
    """Ridge regression, tested on folds; fitted once for all labels."""

    def __init__(self, x: np.ndarray) -> None:
        self.folds = np.arange(len(x)) % FOLDS
        x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
        penalty = 0.1 * len(x) * np.eye(x.shape[1])
        self.maps = []
        for fold in range(FOLDS):
            out = self.folds == fold
            gram = x[~out].T @ x[~out] + penalty
            self.maps.append(x[out] @ np.linalg.solve(gram, x[~out].T))

    def predict(self, targets: np.ndarray) -> np.ndarray:
        """Returns for each row what the others say of `targets`, `(n, columns)`."""
        said = np.empty(targets.shape)
        for fold, each in enumerate(self.maps):
            out = self.folds == fold
            said[out] = each @ targets[~out]
        return said


class _NearRule:
    """The mean of the five nearest others."""

    def __init__(self, x: np.ndarray) -> None:
        square = np.square(x).sum(axis=1)
        distance = square[:, None] + square[None] - 2 * (x @ x.T)
        np.fill_diagonal(distance, np.inf)
        count = min(5, len(x) - 1)
        self.nearest = np.argpartition(distance, count - 1, axis=1)[:, :count]

    def predict(self, targets: np.ndarray) -> np.ndarray:
        """Returns for each row what the others say of `targets`, `(n, columns)`."""
        return targets[self.nearest].mean(axis=1)


def _right(rule: _LinearRule | _NearRule, y: np.ndarray) -> float:
    """Returns the share of classes that a rule finds."""
    classes, numbers = np.unique(y, return_inverse=True)
    said = rule.predict(np.eye(len(classes))[numbers])
    return float((said.argmax(axis=1) == numbers).mean())


def _explained(rule: _LinearRule | _NearRule, y: np.ndarray) -> float:
    """Returns the share of the variance of numbers that a rule explains, at least 0."""
    y = (y - y.mean()) / max(float(y.std()), 1e-12)
    left = y - rule.predict(y[:, None])[:, 0]
    return max(0.0, 1 - float(np.square(left).mean()))
