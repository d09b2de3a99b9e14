"""How pictures were made from 8-bit pixels, read off their values alone."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

LEVELS = 32
"""Fewest distinct values from which a step between pixels is believed."""
_VALUES = 300_000
_COVER = 0.5  # a batch of pictures spans at least so much of the range of pixels
_MARGIN = 0.03  # of the range: resizing overshoots, noise


@dataclass(frozen=True, slots=True)
class Contract:
    """`value = (pixel - mean) / std`, channel by channel as the weights take them."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    words: str
    blue_first: bool = False


CONTRACTS: Mapping[str, Contract] = {
    "raw": Contract((0, 0, 0), (1, 1, 1), "pixels of 0..255"),
    "unit": Contract((0, 0, 0), (255, 255, 255), "pixels / 255, 0..1"),
    "tf": Contract(
        (127.5, 127.5, 127.5), (127.5, 127.5, 127.5), "pixels / 127.5 - 1, -1..1"
    ),
    "torch": Contract(
        (123.675, 116.28, 103.53),
        (58.395, 57.12, 57.375),
        "(pixels - ImageNet mean) / ImageNet deviation",
    ),
    "caffe": Contract(
        (103.939, 116.779, 123.68),
        (1, 1, 1),
        "BGR pixels of 0..255 minus (103.939, 116.779, 123.68)",
        blue_first=True,
    ),
}
"""The four ways of `keras.applications`, and the plain division by 255."""


@dataclass(frozen=True, slots=True)
class Affine:
    """`value = (pixel - mean) / std` of one channel, recovered from its steps."""

    std: float
    mean: float
    """If the darkest value seen was pixel 0."""
    slack: int
    """The mean may be higher by so many whole pixels; 0 where 0 and 255 were seen."""

    def mean_near(self, mean: float) -> float:
        """Returns the possible mean that is nearest to `mean`."""
        return self.mean + float(np.clip(np.round(mean - self.mean), 0, self.slack))


def recover(values: np.ndarray) -> Affine | None:
    """Returns how one channel was scaled; `None`: its values lie on no common steps.

    Pixels are whole numbers, so scaled pixels keep one step between neighbours,
    `1 / std`, and a remainder that tells the mean. Pictures that were resized as
    floats, or brightened each by its own factor, have none.
    """
    flat = values.reshape(-1)
    flat = flat[:: max(1, len(flat) // _VALUES)].astype("float64")
    if not flat.size or not np.isfinite(flat).all():
        return None
    low, high = float(flat.min()), float(flat.max())
    scale = max(abs(low), abs(high))
    distinct = np.unique(np.round((flat - low) / max(scale, 1e-30), 6)) * scale
    if not LEVELS <= len(distinct) <= 256:
        return None
    gaps = np.diff(distinct)
    step = float(np.median(gaps[gaps < 1.5 * gaps.min()]))
    for _ in range(3):  # refine on ever more of the values
        index = np.round(distinct / step)
        step = float((index * distinct).sum() / np.square(index).sum())
    index = distinct / step
    if np.abs(index - np.round(index)).max() > 0.1 or np.round(index[-1]) > 255:
        return None
    return Affine(1 / step, -low / step, 255 - int(np.round(index[-1])))


def recover_channels(images: np.ndarray) -> tuple[Affine, ...] | None:
    """Returns `recover` of each channel `(..., channels)`; `None` if one has none."""
    found = [recover(images[..., c]) for c in range(images.shape[-1])]
    known = tuple(each for each in found if each is not None)
    return known if len(known) == len(found) else None


def contract_by_range(images: np.ndarray) -> str | None:
    """Returns the key of `CONTRACTS` whose range pictures fill best.

    `None`: they lie in none of the ranges, or fill half of none. For pictures whose
    steps are lost; caffe and torch are told from their minima, which differ by channel.
    """
    three = images.shape[-1] == 3
    flat = images.reshape(-1, images.shape[-1])
    flat = flat[:: max(1, len(flat) // _VALUES)].astype("float64")
    if not np.isfinite(flat).all():
        return None
    low, high = flat.min(axis=0), flat.max(axis=0)
    best: tuple[float, str] | None = None
    for name, contract in CONTRACTS.items():
        if not three and name in ("torch", "caffe"):
            continue
        mean, std = np.array(contract.mean), np.array(contract.std)
        mean, std = (mean, std) if three else (mean[:1], std[:1])
        first, last = -mean / std, (255 - mean) / std
        width = last - first
        outside = max((first - low).max(initial=-1), (high - last).max(initial=-1))
        cover = float(((high - low) / width).mean())
        off = np.abs(np.concatenate([low - first, high - last]) / np.tile(width, 2))
        inside = outside <= _MARGIN * width.mean()
        if inside and cover >= _COVER and (best is None or off.mean() < best[0]):
            best = (float(off.mean()), name)
    return None if best is None else best[1]


def contract_of(images: np.ndarray) -> str | None:
    """Returns the key of `CONTRACTS` that pictures `(..., channels)` follow.

    By their steps where they have any, else by their range. `None`: none of them.
    """
    exact = recover_channels(images)
    if exact is None:
        return contract_by_range(images)
    for name, contract in CONTRACTS.items():
        if len(exact) != 3 and name in ("torch", "caffe"):
            continue
        pairs = zip(exact, contract.mean, contract.std, strict=False)
        if all(
            abs(a.mean_near(mean) - mean) < 1 and abs(a.std / std - 1) < 0.05
            for a, mean, std in pairs
        ):
            return name
    return None


def to_pixels(images: np.ndarray) -> np.ndarray | None:
    """Returns pictures as RGB pixels of 0..255; `None`: how they were made is unknown.

    Red is taken to come first, save after caffe's means.
    """
    name = contract_of(images)
    if name is None or images.shape[-1] != 3:
        return None
    contract = CONTRACTS[name]
    pixels = images * np.array(contract.std, "float32") + np.array(
        contract.mean, "float32"
    )
    return pixels[..., ::-1] if contract.blue_first else pixels


def from_pixels(pixels: np.ndarray, name: str) -> np.ndarray:
    """Returns RGB pixels of 0..255 as a key of `CONTRACTS` wants them."""
    contract = CONTRACTS[name]
    ordered = pixels[..., ::-1] if contract.blue_first else pixels
    return (
        (ordered - np.array(contract.mean, "float32"))
        / np.array(contract.std, "float32")
    ).astype("float32")
