"""RD226: a Lambda layer keeps a model from being loaded elsewhere."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.chain import named
from residency.doctor.probe import Probe
from residency.records import Finding


def find(probe: Probe) -> Sequence[Finding] | None:
    """Looks for Lambda layers around functions without a name."""
    found = [
        node
        for node in probe.graph.of_kind("Lambda")
        if getattr(node.layer.function, "__name__", "<lambda>") == "<lambda>"
        or getattr(node.layer.function, "__closure__", None)
    ]
    if not found:
        return []
    return [
        Finding(
            code="RD226",
            label="lambda_not_portable",
            severity="advice",
            title=f"{len(found)} Lambda layers hold functions that a saved model "
            f"cannot bring along: {named(found)}.",
            evidence={"layers": len(found), "first": found[0].name},
            why="Keras 3 refuses to load Python code from a file; with its safety "
            "switched off, the code runs, but without the variables around it.",
            cure="A layer class of its own, or layers that Keras has",
            snippet="@keras.saving.register_keras_serializable()\n"
            "class Slice(keras.layers.Layer):\n    ...",
            effect="keras.models.load_model works without safe_mode=False.",
            confidence=0.9,
        )
    ]


CHECK = Check("no Lambda layer keeps the model from being loaded", find)
