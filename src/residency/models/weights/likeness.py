"""Which network of the catalog a file is of, by the number of its parameters."""

from collections.abc import Mapping

import numpy as np

from residency.models.catalog import list_models

_NEAR = 0.005
"""Share of the parameters: biases that batch normalisation cancels are a thousandth."""


def looks_like(arrays: Mapping[str, np.ndarray]) -> str:
    """Returns the name of the nearest network, or `""` where none is near.

    The last layer is counted as if it had as many classes as the catalog's.

    Example:

    >>> looks_like({"conv/kernel": np.zeros((3, 3, 3, 16))})
    ''
    """
    features, head = _last_layer(arrays)
    body = sum(array.size for array in arrays.values() if array.ndim) - head
    near = ""
    least = _NEAR
    for entry in list_models():
        parameters = body + (features + 1) * entry.num_classes
        distance = abs(parameters - entry.parameters) / entry.parameters
        if distance < least:
            near, least = entry.name, distance
    return near


def _last_layer(arrays: Mapping[str, np.ndarray]) -> tuple[int, int]:
    """Returns how many features the head reads, and its number of parameters."""
    sizes = [array for array in arrays.values() if array.ndim]
    places = [place for place, array in enumerate(sizes) if array.ndim >= 2]
    if not places:
        return 0, 0
    last, after = sizes[places[-1]], sizes[places[-1] + 1 :]
    if last.ndim > 2:  # a file without a head: the features are what comes out last
        return (after[-1].size if after else max(last.shape)), 0
    bias = after[0].size if after and after[0].size in last.shape else 0
    return last.size // (bias or min(last.shape)), last.size + bias
