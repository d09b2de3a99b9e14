"""What the model gives: its last layer that matters, and the scores of one batch."""

from dataclasses import dataclass

import numpy as np

from residency.doctor.checks.model.chain import ACTIVATING, PASSING, POOLING, source
from residency.doctor.probe import Node, Probe
from residency.doctor.probe.graph import WEIGHTED

SPARSE = ("sparse_categorical_crossentropy",)
ONE_HOT = ("categorical_crossentropy", "categorical_focal_crossentropy")
BINARY = ("binary_crossentropy", "binary_focal_crossentropy")
CROSSENTROPIES = (*SPARSE, *ONE_HOT, *BINARY)
REGRESSION = (
    "mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
)
HINGE = ("hinge", "squared_hinge")

_KNOWN = ("softmax", "sigmoid", "tanh", "linear", "relu", "relu6", "elu", "selu")
_KNOWN += ("gelu", "silu", "swish", "softplus", "softsign", "leaky_relu", "exponential")
_KNOWN += ("hard_sigmoid", "prelu", "log_softmax")
_ADDING = ("Add", "Subtract", "BatchNormalization")
_NEAR_ONE = 1e-3


@dataclass(frozen=True, slots=True)
class Head:
    """The first output of a model."""

    node: Node | None
    """What makes it, pooling and reshaping apart; `None`: not known."""
    activation: str | None
    """What is applied last, `"linear"` if nothing; `None`: not known."""
    shape: tuple[int, ...]
    """Of one sample."""
    scores: np.ndarray | None
    """Of one batch, in inference; `None`: the model raised."""

    @property
    def units(self) -> int:
        """Numbers along the last axis."""
        return self.shape[-1] if self.shape else 1

    @property
    def sums_to_one(self) -> bool:
        """Whether the scores of each place are shares of one."""
        return _shares(self.scores)


def read_head(probe: Probe) -> Head | None:
    """Returns the head; `None` where the model has several outputs or none."""
    graph = probe.graph
    if len(graph.outputs) != 1:
        return None
    scores = None if probe.forward is None else probe.forward.scores
    shape = graph.output.shape[1:] if scores is None else scores.shape[1:]
    sizes = tuple(int(size or 0) for size in shape)
    if 0 in sizes:
        return None
    node = source(graph, graph.output, (*PASSING, *POOLING)) if graph.wired else None
    activation = None if node is None else _activation(node)
    if activation == "softmax" and scores is not None and sizes and sizes[-1] > 1:
        activation = "softmax" if _shares(scores) else None
    if activation is None and scores is not None:
        activation = _seen(scores, graph.nodes[-1])
    return Head(node, activation, sizes, scores)


def _activation(node: Node) -> str | None:
    if node.kind in _ADDING:
        return "linear"
    if node.kind not in (*WEIGHTED, *ACTIVATING):
        return None
    return node.activation if node.activation in _KNOWN else None


def _seen(scores: np.ndarray, last: Node) -> str | None:
    """Tells the activation by what came out, where no layer says it."""
    if not np.isfinite(scores).all() or scores.ndim < 2:
        return None
    if scores.shape[-1] > 1 and _shares(scores):
        return "softmax"
    bounded = scores.min() >= 0 and scores.max() <= 1
    if last.activation == "sigmoid" and bounded:
        return "sigmoid"
    if scores.shape[-1] == 1 and last.activation == "softmax" and (scores == 1).all():
        return "softmax"
    both_signs = scores.min() < 0 < scores.max()
    return "linear" if both_signs and np.abs(scores).max() > 1 else None


def _shares(scores: np.ndarray | None) -> bool:
    if scores is None or scores.ndim < 2 or not np.isfinite(scores).all():
        return False
    near = np.abs(scores.sum(axis=-1) - 1) < _NEAR_ONE
    return bool((scores >= 0).all() and near.all())
