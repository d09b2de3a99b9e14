"""RD310: far more free numbers than images, and nothing that holds them back."""

from collections.abc import Sequence

import numpy as np

from residency.doctor.checks.optimisation.measures import is_whole_plan
from residency.doctor.probe import Graph, Probe
from residency.records import Finding

MANY = 3_000
"""Parameters an image above which it is said at all."""
EXTREME = 100_000
"""The same of dense layers alone: pictures cannot fix so many numbers."""
SMALL = 5_000
"""Images below which it matters."""
DROPS = 0.4
BY_HEART, WORSE = 0.1, 1.1
"""Times the loss of the class frequencies: training below, validation above."""


def check(probe: Probe) -> Sequence[Finding] | None:
    """Counts trained parameters against training images."""
    size = probe.train.size
    if size is None or size <= 0:
        return None
    layers = {id(n.layer): n for n in probe.graph.nodes if n.trainable}.values()
    total = sum(n.parameters for n in layers)
    dense = sum(n.parameters for n in layers if n.kind == "Dense")
    if size >= SMALL or total < MANY * size:
        return []
    held_back = _regularises(probe.graph) or _augmented(probe)
    extreme = dense > EXTREME * size and not _augmented(probe)
    memorised = _memorised(probe)
    if held_back and not extreme and memorised is None:
        return []
    return [_finding(total, dense, size, extreme, memorised)]


def _memorised(probe: Probe) -> dict[str, float] | None:
    """Returns the losses of a whole plan that ends worse on new data than a guess."""
    run = probe.trials.as_set if probe.trials is not None else None
    guess = _guess(probe)
    if run is None or run.held_out_loss is None or guess is None:
        return None
    if not is_whole_plan(probe) or run.plain_inference_loss > BY_HEART * guess:
        return None
    if run.held_out_loss < WORSE * guess:
        return None
    return {
        "training_loss": run.plain_inference_loss,
        "validation_loss": run.held_out_loss,
        "loss_of_class_frequencies": guess,
    }


def _guess(probe: Probe) -> float | None:
    """Returns the cross-entropy of the class frequencies; `None`: no such loss."""
    loss, classes = probe.settings.loss, probe.train.classes
    if loss is None or not loss.is_crossentropy or classes is None:
        return None
    shares = np.unique(classes, return_counts=True)[1] / len(classes)
    return float(-(shares * np.log(shares)).sum())


def _regularises(graph: Graph) -> bool:
    """Tells whether a penalty, much dropout or augmentation is in the model."""
    for node in graph.nodes:
        if getattr(node.layer, "kernel_regularizer", None) is not None:
            return True
        if "Dropout" in node.kind and getattr(node.layer, "rate", 0.0) >= DROPS:
            return True
        if node.kind.startswith("Random"):
            return True
    return False


def _augmented(probe: Probe) -> bool:
    """Tells whether the same images come out differently when they are read again."""
    if any(node.kind.startswith("Random") for node in probe.graph.nodes):
        return True
    for (a, _, _), (b, _, _) in zip(
        probe.train.batches, probe.train.again, strict=False
    ):
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            return a.shape != b.shape or not np.array_equal(a, b)
    return False


def _finding(
    total: int,
    dense: int,
    size: int,
    extreme: bool,
    memorised: dict[str, float] | None,
) -> Finding:
    seen = (
        ""
        if memorised is None
        else f" At the plan's end the loss is {memorised['training_loss']:.2g} on "
        f"training and {memorised['validation_loss']:.2g} on validation data, where "
        f"class frequencies alone have {memorised['loss_of_class_frequencies']:.2g}."
    )
    return Finding(
        code="RD310",
        label="overfitting_small_data",
        severity="warning" if extreme or memorised else "advice",
        title=f"{total:,} numbers are fitted to {size:,} training images, "
        f"{total // size:,} an image.{seen}",
        evidence={
            "parameters": total,
            "in_dense_layers": dense,
            "images": size,
            **(memorised or {}),
        },
        why="The network can learn the images by heart: training accuracy will say "
        "little about new ones.",
        cure="Global pooling before a small head, a frozen pretrained body, "
        "augmentation, weight decay.",
        snippet="keras.layers.GlobalAveragePooling2D()",
        effect="Training and validation stay together for longer.",
        confidence=0.75 if extreme or memorised else 0.5,
    )
