"""Batch normalisation as a witness of what weights were trained on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from residency.doctor.probe.calls import watched
from residency.doctor.probe.forward import run_model
from residency.doctor.probe.graph import Graph, Node
from residency.doctor.probe.pixels import CONTRACTS, contract_of, from_pixels, to_pixels

ROWS = 16


@dataclass(frozen=True, slots=True)
class Fit:
    """How far what a batch normalisation receives lies from its moving statistics."""

    shift: float
    """Mean over channels of `|mean - moving mean| / moving deviation`."""
    spread: float
    """Median over channels of `|ln(variance / moving variance)|`."""

    @property
    def badness(self) -> float:
        """Both in one number: near 0 fits, above 1 does not."""
        return self.shift + 0.5 * self.spread


@dataclass(frozen=True, slots=True)
class Witness:
    """The first batch normalisation that was trained, under several inputs."""

    layer: str
    as_given: Fit
    given: str | None
    """Key of `CONTRACTS` that the batch follows; `None`: none of them."""
    by_contract: Mapping[str, Fit]
    """By key of `CONTRACTS`; `"raw bgr"` and so on if the pixels have blue first. Empty
    where the pixels behind the batch are not known."""


class _Enough(Exception):  # noqa: N818 - it ends a forward pass, nothing is wrong
    pass


def ask_witness(model: keras.Model, graph: Graph, x: Any) -> Witness | None:
    """Runs the model up to its first trained batch normalisation, per contract.

    Returns:
        `None`: it has none, or its inputs are no single array.
    """
    node = next(
        (n for n in graph.of_kind("BatchNormalization") if was_trained(n)), None
    )
    if node is None or not isinstance(x, np.ndarray):
        return None
    given = x[:ROWS].astype("float32")
    as_given = _fit(model, node, given)
    if as_given is None:
        return None
    found: dict[str, Fit] = {}
    last = given.ndim == 4 and given.shape[-1] == 3
    pixels = to_pixels(given) if last else None
    if pixels is not None:
        for name in CONTRACTS:
            for suffix, each in (("", pixels), (" bgr", pixels[..., ::-1])):
                fit = _fit(model, node, np.ascontiguousarray(from_pixels(each, name)))
                if fit is not None:
                    found[name + suffix] = fit
    return Witness(node.name, as_given, contract_of(given) if last else None, found)


def was_trained(node: Node) -> bool:
    """Returns whether moving statistics of a batch normalisation ever moved."""
    return has_moved(node.layer)


def has_moved(layer: Any) -> bool:
    """Returns the same of the layer itself."""
    mean = np.array(keras.ops.convert_to_numpy(layer.moving_mean))
    variance = np.array(keras.ops.convert_to_numpy(layer.moving_variance))
    return bool((mean != 0).any() or (variance != 1).any())


def fit_of(node: Node, mean: np.ndarray, variance: np.ndarray) -> Fit:
    """Returns how statistics of a batch fit those that the layer holds."""
    layer = node.layer
    held = np.array(keras.ops.convert_to_numpy(layer.moving_mean), dtype="float64")
    held_variance = np.array(keras.ops.convert_to_numpy(layer.moving_variance))
    floor = held_variance.astype("float64") + layer.epsilon
    if held.shape != mean.shape:
        return Fit(0.0, 0.0)
    with np.errstate(all="ignore"):
        shift = np.abs(mean - held) / np.sqrt(floor)
        spread = np.abs(np.log((variance + layer.epsilon) / floor))
    return Fit(float(np.mean(shift)), float(np.median(spread)))


def _fit(model: keras.Model, node: Node, x: np.ndarray) -> Fit | None:
    fits: list[Fit] = []

    def look(layer: Any, given: np.ndarray | None, gives: np.ndarray | None) -> None:
        if given is not None:
            axis = layer.axis if isinstance(layer.axis, int) else -1
            flat = np.moveaxis(given, axis, -1)
            flat = flat.reshape(-1, flat.shape[-1]).astype("float64")
            fits.append(fit_of(node, flat.mean(axis=0), flat.var(axis=0)))
        raise _Enough("seen")

    try:
        with watched([node.layer], look):
            run_model(model, x, training=False)
    except _Enough:
        pass
    return fits[0] if fits else None
