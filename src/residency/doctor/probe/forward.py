"""One batch through the model in both modes: what comes out of its layers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from residency.doctor.probe.calls import watched
from residency.doctor.probe.graph import Graph

ROWS = 32
"""Most images of the batch that is looked at."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Statistics of a tensor `(batch, ..., channels)`, over all but where stated."""

    mean: float
    std: float
    max_abs: float
    finite: bool
    zeros: float
    """Share of zeros."""
    dead: np.ndarray
    """`(channels,)`: zero for every image and place."""
    between: float
    """Deviation between images of the mean over places, mean over channels: near 0
    where all images look the same."""
    channel_mean: np.ndarray
    channel_variance: np.ndarray


@dataclass(frozen=True, slots=True)
class Forward:
    """What one batch did in the model."""

    inputs: Mapping[str, Signal]
    """By layer name: what it takes, in inference; of a layer called twice, at first."""
    outputs: Mapping[str, Signal]
    """By layer name: what it gives, in inference."""
    training_outputs: Mapping[str, Signal]
    """By layer name: what it gives with `training=True`."""
    scores: np.ndarray
    """Output of the model in inference, of the first output."""
    training_scores: np.ndarray
    """Output of the model in training."""
    alone: np.ndarray
    """Output in inference of the first half of the batch, on its own."""


def run_forward(model: keras.Model, graph: Graph, x: Any) -> Forward:
    """Runs one batch in both modes; moves statistics, which the caller puts back.

    Raises:
        Exception: What the model raises on such inputs.
    """
    x = keras.tree.map_structure(lambda a: a[:ROWS], x)
    layers = [node.layer for node in graph.nodes if hasattr(node.layer, "call")]
    layers = [x for x in layers if isinstance(x, keras.layers.Layer)]
    kinds = {id(node.layer): node for node in graph.nodes}
    inputs: dict[str, Signal] = {}
    outputs: dict[str, Signal] = {}
    training: dict[str, Signal] = {}

    def note(layer: Any, given: Any, gives: Any) -> None:
        name = layer.name
        axis = getattr(layer, "axis", -1)
        axis = axis if isinstance(axis, int) else -1
        if name not in outputs:
            if given is not None and id(layer) in kinds:
                inputs[name] = signal_of(given, axis)
            if gives is not None:
                outputs[name] = signal_of(gives, axis)

    def note_training(layer: Any, given: Any, gives: Any) -> None:
        if gives is not None and layer.name not in training:
            training[layer.name] = signal_of(gives)

    with watched(layers, note):
        scores = _call(model, x, training=False)
    with watched(layers, note_training):
        training_scores = _call(model, x, training=True)
    half = keras.tree.map_structure(lambda a: a[: max(1, len(a) // 2)], x)
    alone = _call(model, half, training=False)
    return Forward(inputs, outputs, training, scores, training_scores, alone)


def signal_of(value: np.ndarray, axis: int = -1) -> Signal:
    """Returns the statistics of an array; `axis` is that of its channels."""
    value = np.asarray(value, dtype="float32")
    if value.ndim < 2:
        value = value.reshape(len(value), -1) if value.ndim else value.reshape(1, 1)
    if axis % value.ndim in (0, value.ndim - 1):
        axis = -1
    value = np.moveaxis(value, axis, -1)
    flat = value.reshape(-1, value.shape[-1])
    finite = bool(np.isfinite(flat).all())
    with np.errstate(all="ignore"):
        pooled = value.reshape(len(value), -1, value.shape[-1]).mean(axis=1)
        return Signal(
            mean=float(flat.mean()),
            std=float(flat.std()),
            max_abs=float(np.abs(flat).max()) if flat.size else 0.0,
            finite=finite,
            zeros=float((flat == 0).mean()),
            dead=(flat == 0).all(axis=0),
            between=float(pooled.std(axis=0).mean()),
            channel_mean=flat.mean(axis=0),
            channel_variance=flat.var(axis=0),
        )


def _call(model: keras.Model, x: Any, *, training: bool) -> np.ndarray:
    if keras.backend.backend() == "torch":
        from residency.engine.gradients import without_gradients

        with without_gradients():
            result = model(x, training=training)
    else:
        result = model(x, training=training)
    first = keras.tree.flatten(result)[0]
    return np.array(keras.ops.convert_to_numpy(first))
