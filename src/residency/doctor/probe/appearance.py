"""How pictures look, one number each: brightness, contrast, colour, fill."""

from collections.abc import Mapping

import numpy as np

SIDE = 64
"""Longer pictures are thinned out to about this side, without mixing pixels."""


def appearance(images: np.ndarray, low: float, high: float) -> Mapping[str, np.ndarray]:
    """Returns numbers of each picture, by name, `(n,)` each.

    Args:
        images: `(n, height, width, channels)`, floats.
        low: Value that counts as 0.
        high: Value that counts as 1.

    Returns:
        `brightness` and `contrast` on the scale of `low` to `high`; `flat`, the share
        of pixels equal to those right of and below them, as borders and fill are;
        `outside`, the share of values more than 5 % outside; `detail`, differences
        between neighbours relative to the contrast; of coloured pictures `saturation`
        and the means of `warm` (red minus blue) and `green`.
    """
    step = max(1, min(images.shape[1:3]) // SIDE)
    x = (images[:, ::step, ::step].astype("float32") - low) / max(high - low, 1e-12)
    down, right = np.abs(np.diff(x, axis=1)), np.abs(np.diff(x, axis=2))
    level = 1 / 1000
    same = (down[:, :, :-1] < level).all(-1) & (right[:, :-1] < level).all(-1)
    contrast = x.std(axis=(1, 2)).mean(axis=-1)
    found = {
        "brightness": x.mean(axis=(1, 2, 3)),
        "contrast": contrast,
        "flat": same.mean(axis=(1, 2)),
        "outside": ((x < -0.05) | (x > 1.05)).mean(axis=(1, 2, 3)),
        "detail": 0.5
        * (down.mean(axis=(1, 2, 3)) + right.mean(axis=(1, 2, 3)))
        / np.maximum(contrast, 1e-6),
    }
    if x.shape[-1] == 3:
        found["saturation"] = (x.max(axis=-1) - x.min(axis=-1)).mean(axis=(1, 2))
        means = x.mean(axis=(1, 2))
        found["warm"] = means[:, 0] - means[:, 2]
        found["green"] = means[:, 1] - 0.5 * (means[:, 0] + means[:, 2])
    return found


def turned_hues(first: np.ndarray, second: np.ndarray) -> float:
    """Returns the share of pictures whose mean colour alone turned by over 90 degrees.

    Inverted and solarised pictures turn too, but change in brightness with it.

    Args:
        first: Pictures `(n, height, width, 3)`.
        second: The same, read again.

    Returns:
        Of those that are coloured in both; 0 where fewer than eight are.
    """
    a, b = _chroma(first), _chroma(second)
    size_a, size_b = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    spread = float(first.std()) or 1.0
    coloured = np.minimum(size_a, size_b) > 0.1 * spread
    if coloured.sum() < 8:
        return 0.0
    value = [
        x.astype("float32").max(axis=-1).mean(axis=(1, 2)) for x in (first, second)
    ]
    steady = np.abs(value[0] - value[1]) < 0.2 * spread
    cosine = (a * b).sum(axis=1) / np.maximum(size_a * size_b, 1e-12)
    return float(((cosine < 0) & steady)[coloured].mean())


def _chroma(images: np.ndarray) -> np.ndarray:
    means = images.astype("float32").mean(axis=(1, 2))
    red, green, blue = means.T
    return np.stack([(2 * red - green - blue) / 6**0.5, (green - blue) / 2**0.5], 1)
