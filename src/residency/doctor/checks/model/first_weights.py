"""The weights a layer starts with: whether they are fresh, and their scale."""

import math

import keras
import numpy as np

from residency.doctor.probe import Node, Probe

_BIASES = ("bias", "beta", "moving_mean")


def values(variable: object) -> np.ndarray:
    """Returns the values of a Keras variable."""
    return np.array(keras.ops.convert_to_numpy(variable), dtype="float64")


def kernel_of(node: Node) -> np.ndarray | None:
    """Returns the kernel `(..., inputs, outputs)`; `None`: it has none, or several."""
    kernel = getattr(node.layer, "kernel", None)
    if kernel is None or len(getattr(kernel, "shape", ())) < 2:
        return None
    return values(kernel)


def gain_of(kernel: np.ndarray) -> float:
    """Returns by how much a kernel scales inputs of mean 0, as a factor of their rms.

    `sqrt(fan_in · mean(w²))`: 1 with LeCun's initial weights, 1.41 with He's.
    """
    fan_in = math.prod(kernel.shape[:-1])
    return math.sqrt(fan_in * float(np.mean(np.square(kernel))))


def trained_before(probe: Probe) -> bool:
    """Whether the weights come from an earlier training, as those of a backbone.

    Biases and moving means that differ from each other within a layer: fresh ones are
    constant.
    """
    return any(is_trained(node) for node in probe.graph.nodes)


def is_trained(node: Node) -> bool:
    """Whether the layer itself has been trained; `False` where it has no bias."""
    for name in _BIASES:
        variable = getattr(node.layer, name, None)
        if variable is None or node.kind == "LSTM":
            continue
        found = values(variable)
        if found.size > 1 and np.ptp(found) > 0:
            return True
    return False
