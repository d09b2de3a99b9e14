"""Inputs: unit scale, the pixels that weights were trained on, channels in order."""

from collections.abc import Callable
from typing import Any

import numpy as np

from residency.doctor.cures.treatment import Case, Treatment
from residency.doctor.probe.pixels import CONTRACTS, contract_of, from_pixels
from residency.doctor.probe.source import Batch
from residency.records import Finding

FIRST_ROWS = 32
"""Of the first batch: what the evidence of the layer was measured on."""


def on_inputs(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Batch], Batch]:
    """Returns a function of batches that changes their inputs, an array, alone."""
    return lambda batch: (change(batch[0]), *batch[1:])


def standardised(finding: Finding, case: Case) -> Treatment | None:
    """Gives the layer of the finding mean 0 and deviation 1.

    What the model does on the way there, taken as `a x + b`, is undone.
    """
    x = case.train.x
    if x is None or x.dtype.kind not in "fiu":
        return None
    axes = tuple(range(x.ndim - 1))
    mean = x.mean(axis=axes, dtype="float64")
    std = x.std(axis=axes, dtype="float64")
    std = np.where(std > 0, std, 1.0)
    slope, offset = _on_the_way(finding, x[: min(FIRST_ROWS, len(x))])

    def change(x: np.ndarray) -> np.ndarray:
        return (((x - mean) / std - offset) / slope).astype("float32")

    return Treatment(words="inputs of mean 0 and deviation 1", read=on_inputs(change))


def _on_the_way(finding: Finding, x: np.ndarray) -> tuple[float, float]:
    """Returns a slope and an offset that lead from inputs to the layer."""
    mean, std = finding.evidence.get("mean"), finding.evidence.get("std")
    given = float(np.std(x, dtype="float64"))
    if (
        not isinstance(mean, float)
        or not isinstance(std, float)
        or not std
        or not given
    ):
        return 1.0, 0.0
    slope = std / given
    return slope, mean - slope * float(np.mean(x, dtype="float64"))


def as_trained(finding: Finding, case: Case) -> Treatment | None:
    """Gives pretrained weights the pixels of their own preprocessing."""
    wanted = str(finding.evidence.get("expected", finding.evidence.get("best", "")))
    name = wanted.removesuffix(" bgr")
    images = _images(finding, case)
    if name not in CONTRACTS or images is None or contract_of(images[:64]) is None:
        return None
    found = str(contract_of(images[:64]))
    turn = wanted != name

    def change(x: np.ndarray) -> np.ndarray:
        pixels = _undone(x, found)
        return from_pixels(pixels[..., ::-1] if turn else pixels, name)

    words = f"inputs as the weights expect them: {CONTRACTS[name].words}"
    return Treatment(words=words, read=on_inputs(change))


def right_constants(finding: Finding, case: Case) -> Treatment | None:
    """Scales with the means and deviations that the weights expect."""
    change = _scaled_anew(finding, turn=False)
    if change is None or _images(finding, case) is None:
        return None
    return Treatment(words="the constants of the weights", read=on_inputs(change))


def channels_turned(finding: Finding, case: Case) -> Treatment | None:
    """Exchanges red and blue, before means are subtracted where these are known."""
    images = _images(finding, case)
    if images is None:
        return None
    change = _scaled_anew(finding, turn=True) or _turned(contract_of(images[:64]))
    return Treatment(words="red and blue exchanged", read=on_inputs(change))


def _turned(name: str | None) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function that exchanges red and blue of pixels made by a contract."""
    if name is None:
        return lambda x: x[..., ::-1]
    return lambda x: from_pixels(_undone(x, name)[..., ::-1], name)


def _scaled_anew(
    finding: Finding, *, turn: bool
) -> Callable[[np.ndarray], np.ndarray] | None:
    names = ("mean", "std", "expected_mean", "expected_std")
    found: list[Any] = [finding.evidence.get(name) for name in names]
    if not all(isinstance(each, list) and len(each) == 3 for each in found):
        return None
    mean, std, right_mean, right_std = (np.array(each, "float32") for each in found)

    def change(x: np.ndarray) -> np.ndarray:
        pixels = x * std + mean
        return (
            ((pixels[..., ::-1] if turn else pixels) - right_mean) / right_std
        ).astype("float32")

    return change


def _undone(x: np.ndarray, name: str) -> np.ndarray:
    """Returns RGB pixels of inputs made by a contract."""
    contract = CONTRACTS[name]
    pixels = x * np.array(contract.std, "float32") + np.array(contract.mean, "float32")
    return pixels[..., ::-1] if contract.blue_first else pixels


def _images(finding: Finding, case: Case) -> np.ndarray | None:
    """Returns images of three channels, last, that reach the layer as they are."""
    x = case.train.x
    if x is None or x.ndim != 4 or x.shape[-1] != 3:
        return None
    layers = [n for n in case.graph.nodes if n.name == finding.evidence.get("layer")]
    between = [n.kind for n in case.graph.ancestors(layers[0])] if layers else []
    untouched = all(kind in ("InputLayer", "ZeroPadding2D") for kind in between)
    return x.astype("float32") if untouched else None


CURES = {
    "input_not_normalised": (standardised,),
    "pretrained_preprocess_mismatch": (as_trained,),
    "preprocess_constants": (right_constants,),
    "channel_order": (channels_turned,),
}
