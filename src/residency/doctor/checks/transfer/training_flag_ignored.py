"""RD410: Keras overrules the `training` that a layer was called with."""

from collections.abc import Iterator, Sequence
from typing import Any

from residency.doctor.checks.check import Check
from residency.doctor.probe import Node, Probe
from residency.doctor.probe.graph import kind_of
from residency.doctor.probe.witness import has_moved
from residency.records import Finding

NORMS = ("BatchNormalization",)
DROPOUTS = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianDropout")


def run(probe: Probe) -> Sequence[Finding] | None:
    """Looks for layers with two modes among those whose call names one.

    A Functional model hands the mode of its own call to each layer of its graph that
    takes one, over what the graph has recorded (`operation_fn` in
    `keras/src/models/functional.py`, 3.15; measured). `trainable=False` it respects.
    """
    if not probe.graph.wired:
        return []  # a `call` of one's own is obeyed
    off, on = (list(_layers(probe.graph.nodes, asked=asked)) for asked in (False, True))
    norms = [layer for layer in off if kind_of(layer) in NORMS]
    if any(layer.trainable for layer in norms):
        return [_norms([layer for layer in norms if layer.trainable])]
    dropouts = [layer for layer in off if kind_of(layer) in DROPOUTS]
    if dropouts and not norms:
        return [_dropouts(dropouts, asked=False)]
    dropouts = [layer for layer in on if kind_of(layer) in DROPOUTS]
    return [_dropouts(dropouts, asked=True)] if dropouts else []


def _layers(nodes: Sequence[Node], *, asked: bool) -> Iterator[Any]:
    """Yields the layers with two modes in what was called so, each once."""
    seen: set[int] = set()
    for node in nodes:
        if node.asked is not asked or not hasattr(node.layer, "_flatten_layers"):
            continue
        for layer in node.layer._flatten_layers():
            kind = kind_of(layer)
            acts = kind in NORMS or (kind in DROPOUTS and layer.rate > 0)
            if acts and id(layer) not in seen:
                seen.add(id(layer))
                yield layer


def _norms(layers: list[Any]) -> Finding:
    trained = [layer for layer in layers if has_moved(layer)]
    return Finding(
        code="RD410",
        label="training_flag_ignored",
        severity="warning" if trained else "advice",
        title=(
            f"{len(layers)} batch normalisations train, although they are called with "
            "`training=False`: `fit` overrules it."
        ),
        evidence={"layers": len(layers), "pretrained": len(trained)},
        why=(
            "Keras 3 hands the mode of the whole model to each layer of its graph. "
            "Once the network is trainable, the statistics of small batches replace "
            "those that its weights were trained with."
        ),
        cure="freeze the layers themselves",
        snippet=(
            "for layer in base._flatten_layers():\n"
            "    if isinstance(layer, keras.layers.BatchNormalization):\n"
            "        layer.trainable = False  # then compile once more"
        ),
        effect="statistics stay as they were; training and validation see the same",
        confidence=0.9,
    )


def _dropouts(layers: list[Any], *, asked: bool) -> Finding:
    act = "not in `predict` and `evaluate`" if asked else "in `fit`"
    cure = (
        "call the model itself, without a mode, for such predictions"
        if asked
        else "build the network without dropout, or with a rate of 0"
    )
    return Finding(
        code="RD410",
        label="training_flag_ignored",
        severity="advice",
        title=(
            f"{len(layers)} dropouts are called with `training={asked}` and act {act}: "
            "Keras overrules it."
        ),
        evidence={"layers": len(layers), "asked": str(asked)},
        why=(
            "Keras 3 hands the mode of the whole model to each layer of its graph, "
            "over what the layer was called with."
        ),
        cure=cure,
        snippet="scores = [model(images) for _ in range(20)]"
        if asked
        else "Dropout(0.0)",
        effect="dropout acts when it is meant to, and only then",
        confidence=0.9,
    )


CHECK = Check("no layer is called with a mode that Keras overrules", run)
