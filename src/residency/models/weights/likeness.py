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


def guess(arrays: Mapping[str, np.ndarray], *, but: str) -> str:
    """Returns a sentence, after a space, on what a file looks like; `""` if nothing.

    Args:
        arrays: Of the file.
        but: The network that it was meant for, which is no news.
    """
    near = looks_like(arrays)
    return f" The file looks like {near!r}." if near not in ("", but) else ""


def _last_layer(arrays: Mapping[str, np.ndarray]) -> tuple[int, int]:
    """Returns how many features the head reads, and its number of parameters."""
    sizes = list(arrays.values())
    places = [place for place, array in enumerate(sizes) if array.ndim == 2]
    if not places:  # a file without a head, in any order: no layer is wider than its
        return max((a.size for a in sizes if a.ndim == 1), default=0), 0  # features
    last, after = sizes[places[-1]], sizes[places[-1] + 1 :]
    bias = after[0].size if after and after[0].size in last.shape else 0
    return last.size // (bias or min(last.shape)), last.size + bias
