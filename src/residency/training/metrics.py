"""What a confusion matrix says: accuracy, precision, recall, F1."""

from collections.abc import Sequence

import numpy as np

from residency.records import ClassScore, Proportion


def confusion_matrix(
    labels: np.ndarray, predicted: np.ndarray, num_classes: int
) -> np.ndarray:
    """Returns counts `[true][predicted]`, int64, `(num_classes, num_classes)`.

    Example:

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    cells = labels * num_classes + predicted
    counts = np.bincount(cells, minlength=num_classes * num_classes)
    return counts.reshape(num_classes, num_classes)


def class_scores(
    confusion: np.ndarray, class_names: Sequence[str]
) -> tuple[ClassScore, ...]:
    """Returns precision, recall and F1 of each class; 0 where undefined."""
    hits = np.diag(confusion).astype(float)
    predicted, support = confusion.sum(axis=0), confusion.sum(axis=1)
    precision = hits / np.maximum(predicted, 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(predicted + support, 1)
    columns = zip(class_names, precision, recall, f1, support, strict=True)
    return tuple(
        ClassScore(name, float(p), float(r), float(f), int(n))
        for name, p, r, f, n in columns
    )


def top_k(probabilities: np.ndarray, labels: np.ndarray, k: int) -> Proportion:
    """Returns how often the true class is among the `k` most probable.

    Of equal probabilities the lower class number counts as the more probable.
    """
    true = np.take_along_axis(probabilities, labels[:, None], axis=1)
    earlier = np.arange(probabilities.shape[1]) < labels[:, None]
    # "not <=" and not ">": a model that gives NaN is never right.
    ahead = ~(probabilities <= true) | ((probabilities == true) & earlier)
    return Proportion(int((ahead.sum(axis=1) < k).sum()), len(labels))
