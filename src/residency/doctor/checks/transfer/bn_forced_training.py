"""RD406: predictions depend on the other images of the batch."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe
from residency.records import Finding

DIFFERENT = 1e-3
"""Of the size of outputs: far above what rounding does with another batch size."""


def run(probe: Probe) -> Sequence[Finding] | None:
    """Compares predictions for half a batch with and without the other half."""
    forward = probe.forward
    if forward is None or len(forward.alone) >= len(forward.scores):
        return None
    count = sum(_normalisations(node.layer) for node in probe.graph.nodes)
    if not count:
        return []
    if not forward.repeatable:
        return None  # something random is on, as dropout that is meant to be
    together, alone = forward.scores[: len(forward.alone)], forward.alone
    if not (np.isfinite(together).all() and np.isfinite(alone).all()):
        return None
    size = float(np.abs(together).max()) or 1.0
    change = float(np.abs(together - alone).max()) / size
    if change < DIFFERENT:
        return []
    return [
        Finding(
            code="RD406",
            label="bn_forced_training",
            severity="warning",
            title=(
                f"Predictions change by {100 * change:.1f} % of their size when the "
                "other half of the batch is left out."
            ),
            evidence={"relative_change": change, "batch_normalisations": count},
            why=(
                "Batch normalisation uses the statistics of the batch at inference: a "
                "result depends on its neighbours, and a single image has none."
            ),
            cure="leave `training` to Keras",
            snippet="x = keras.layers.BatchNormalization()(x)  # no training=True",
            effect="each image gets one prediction",
            confidence=0.9,
        )
    ]


def _normalisations(layer: Any) -> int:
    """Returns how many batch normalisations a layer is, or has inside."""
    layers = layer._flatten_layers() if isinstance(layer, keras.Layer) else ()
    return sum(isinstance(x, keras.layers.BatchNormalization) for x in layers)


CHECK = Check("predictions do not depend on the other images of a batch", run)
