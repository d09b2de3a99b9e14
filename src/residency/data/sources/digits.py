"""Handwritten digits from scikit-learn: 1,797 grey images of 8x8, no download.

The original counts 0..16 become 0..255 as `(255 * value + 8) // 16`: rounded to
the nearest whole number, a half (value 8 only) upwards.
Reference: [Alpaydin and Kaynak, 1998](https://doi.org/10.24432/C50P49).
"""

import numpy as np

from residency.data.index import Index
from residency.data.sources.arrays import index_arrays


def from_digits() -> Index:
    """Returns the index of the 1,797 digits, without parts."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    counts = pixels.reshape(-1, 8, 8).astype(np.int64)  # 0..16
    images = ((255 * counts + 8) // 16).astype(np.uint8)
    names = [str(digit) for digit in range(10)]
    return index_arrays("digits", {"": (images, labels)}, names)
