"""Random numbers as a pure function of (seed, epoch, index): nothing to carry along.

Each number is a hash of its place, with the mixing function of SplitMix64. So the
augmentation of image 7 in epoch 3 is the same in any batch, on any worker, after any
resume, and with any version of NumPy.

Reference: [Steele et al., 2014](https://doi.org/10.1145/2660193.2660195).
"""

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd: SplitMix64's step
_ORDER_STREAM = 0xFFFF_FFFF  # apart from the transforms', which count from 0


def uniforms(
    seed: int, epoch: int, indices: np.ndarray, stream: int, count: int
) -> np.ndarray:
    """Returns `count` uniform numbers in `[0, 1)` for each index.

    Args:
        seed: Any integer.
        epoch: Epochs finished, from 0.
        indices: Positions of the images in their part, `(batch,)`.
        stream: What the numbers are for: transforms with different streams draw
            independently.
        count: Numbers an image.

    Returns:
        float64 of shape `(batch, count)`, multiples of `2^-53`.

    Example:

    >>> together = uniforms(0, 3, np.array([7, 8]), stream=0, count=2)
    >>> alone = uniforms(0, 3, np.array([8]), stream=0, count=2)
    >>> bool((together[1] == alone[0]).all())
    True
    """
    bits = _mixed(
        _hashes(seed, epoch, indices, stream)[:, None]
        + np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN
    )
    return (bits >> np.uint64(11)) * 2.0**-53


def permutation(seed: int, epoch: int, n: int) -> np.ndarray:
    """Returns the order of `n` images in one epoch: a full shuffle.

    Args:
        seed: Any integer.
        epoch: Epochs finished, from 0.
        n: Number of images.

    Returns:
        Each of `0..n-1` once, int64, `(n,)`.

    Example:

    >>> sorted(permutation(seed=0, epoch=0, n=5).tolist())
    [0, 1, 2, 3, 4]
    """
    hashes = _hashes(seed, epoch, np.arange(n), _ORDER_STREAM)
    return np.argsort(hashes, kind="stable").astype(np.int64)


def _hashes(seed: int, epoch: int, indices: np.ndarray, stream: int) -> np.ndarray:
    """Returns one uint64 an index; a bijection of the index for any key."""
    key = np.zeros(1, np.uint64)  # an array: scalars warn when they overflow
    for word in (seed, epoch, stream):
        key = _mixed(key + np.uint64(int(word) % 2**64) + _GOLDEN)
    return _mixed(key + np.asarray(indices).astype(np.uint64) * _GOLDEN)


def _mixed(z: np.ndarray) -> np.ndarray:
    """SplitMix64's finalizer: every input bit moves about half the output bits."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
