"""RD636: probabilities go into a loss that makes probabilities of them once more."""

from collections.abc import Iterator

from residency.doctor.script.heads import heads
from residency.doctor.script.script import Script
from residency.records import Finding


def check(script: Script) -> Iterator[Finding]:
    """Yields last layers with softmax or sigmoid before `from_logits=True`."""
    for head in heads(script):
        if head.from_logits and head.activation in ("softmax", "sigmoid"):
            yield Finding(
                code="RD636",
                label="double_softmax",
                severity="error",
                title=f"The output is {head.activation}, and {head.loss} applies its "
                "own on top (from_logits=True).",
                evidence={"activation": head.activation, "loss": head.loss},
                why="Scores between 0 and 1 differ by 1 at most: the loss cannot come "
                "near 0, and its gradients are small from the start.",
                cure=f"Drop from_logits=True, or the {head.activation}.",
                snippet=f"loss=keras.losses.{head.loss}()",
                effect="The loss can reach 0; training needs fewer steps.",
                confidence=0.95,
                source=script.place(head.layer.node),
            )
