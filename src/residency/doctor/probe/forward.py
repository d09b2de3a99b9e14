"""One batch through the model in both modes: what comes out of its layers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from residency.doctor.probe.calls import watched
from residency.doctor.probe.graph import Graph

ROWS = 32
"""Most images of the batch that is looked at."""
ENTRANCE_ROWS = 16
PLACES = 256
"""About as many places of each feature map count for means and deviations."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Statistics of a tensor `(batch, ..., channels)`, over all but where stated."""

    shape: tuple[int, ...]
    """As measured, the batch first."""
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
    repeatable: bool = True
    """Whether the same images give the same outputs in inference; looked at where
    `alone` differs."""
    entrances: Mapping[str, np.ndarray] = field(default_factory=dict)
    """By layer: its input itself, first rows; of layers with no kernel before them."""


def run_forward(model: keras.Model, graph: Graph, x: Any) -> Forward:
    """Runs one batch in both modes; moves statistics, which the caller puts back.

    Raises:
        Exception: What the model raises on such inputs.
    """
    x = keras.tree.map_structure(lambda a: a[:ROWS], x)
    entrances: dict[str, np.ndarray] = {}
    inputs, outputs, scores = _watched_call(
        model, graph, x, training=False, entrances=entrances
    )
    half = keras.tree.map_structure(lambda a: a[: max(1, len(a) // 2)], x)
    alone = run_model(model, half, training=False)
    again = alone
    if not _alike(alone, scores[: len(alone)]):
        again = run_model(model, half, training=False)
    # last: it moves statistics
    _, training_outputs, training_scores = _watched_call(model, graph, x, training=True)
    return Forward(
        inputs=inputs,
        outputs=outputs,
        training_outputs=training_outputs,
        scores=scores,
        training_scores=training_scores,
        alone=alone,
        repeatable=_alike(alone, again),
        entrances=entrances,
    )


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Tells whether outputs differ by no more than batches of another size round."""
    return np.allclose(one, other, rtol=1e-4, equal_nan=True)


def inference_outputs(model: keras.Model, graph: Graph, x: Any) -> dict[str, Signal]:
    """Returns what the layers give in inference, by layer name."""
    x = keras.tree.map_structure(lambda a: a[:ROWS], x)
    return _watched_call(model, graph, x, training=False)[1]


def _watched_call(
    model: keras.Model,
    graph: Graph,
    x: Any,
    *,
    training: bool,
    entrances: dict[str, np.ndarray] | None = None,
) -> tuple[dict[str, Signal], dict[str, Signal], np.ndarray]:
    """Returns what each layer takes at its first call, what it gives, and the scores.

    Of what layers take, only where a kernel or a normalization waits for it: the rest
    is what other layers give.
    """
    layers = {id(node.layer): node.layer for node in graph.nodes}
    watch = [x for x in layers.values() if isinstance(x, keras.layers.Layer)]
    inputs: dict[str, Signal] = {}
    outputs: dict[str, Signal] = {}
    first = {id(node.layer) for node in graph.entrances}

    def note(layer: Any, given: np.ndarray | None, gives: np.ndarray | None) -> None:
        axis = getattr(layer, "axis", -1)
        axis = axis if isinstance(axis, int) else -1
        if layer.name in outputs or gives is None:
            return
        if given is not None and layer.variables:
            inputs[layer.name] = signal_of(given, axis)
        if given is not None and entrances is not None and id(layer) in first:
            entrances[layer.name] = given[:ENTRANCE_ROWS].copy()
        outputs[layer.name] = signal_of(gives, axis)

    def takes(layer: Any) -> bool:
        return not training and (bool(layer.variables) or id(layer) in first)

    with watched(watch, note, takes):
        scores = run_model(model, x, training=training)
    return inputs, outputs, scores


def signal_of(value: np.ndarray, axis: int = -1) -> Signal:
    """Returns the statistics of an array; `axis` is that of its channels."""
    value = np.asarray(value, dtype="float32")
    shape = value.shape
    if value.ndim < 2:
        value = value.reshape(len(value), -1) if value.ndim else value.reshape(1, 1)
    if axis % value.ndim in (0, value.ndim - 1):
        axis = -1
    value = np.moveaxis(value, axis, -1)
    over = tuple(range(value.ndim - 1))
    places = _places(value)
    flat = places.reshape(-1, places.shape[-1])
    with np.errstate(all="ignore"):
        high = value.max(axis=over, initial=0)  # no copies: these are the large arrays
        low = value.min(axis=over, initial=0)
        largest = float(np.maximum(high, -low).max(initial=0))
        return Signal(
            shape=shape,
            mean=float(flat.mean()),
            std=float(flat.std()),
            max_abs=largest,
            finite=bool(np.isfinite(largest)),
            zeros=float((flat == 0).mean()),
            dead=(high == 0) & (low == 0),
            between=float(places.mean(axis=1).std(axis=0).mean()),
            channel_mean=flat.mean(axis=0),
            channel_variance=flat.var(axis=0),
        )


def _places(value: np.ndarray) -> np.ndarray:
    """Returns `(n, places, channels)`: evenly spread ones of `(n, ..., channels)`."""
    inner = value.shape[1:-1]
    count = math.prod(inner)
    step = max(1, count // PLACES)
    if step == 1:
        return value.reshape(len(value), count, value.shape[-1])
    chosen = np.unravel_index(np.arange(0, count, step), inner)
    return value[(slice(None), *chosen)]


def run_model(model: keras.Model, x: Any, *, training: bool) -> np.ndarray:
    """Returns the first output of the model for one batch, without gradients."""
    if keras.backend.backend() == "torch":
        from residency.engine.gradients import without_gradients

        with without_gradients():
            result = model(x, training=training)
    else:
        result = model(x, training=training)
    first = keras.tree.flatten(result)[0]
    return np.array(keras.ops.convert_to_numpy(first))
