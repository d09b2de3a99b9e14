"""RD637: scores of any size go into a loss that takes probabilities."""

from collections.abc import Iterator

from residency.doctor.script.heads import heads
from residency.doctor.script.script import Script
from residency.records import Finding


def check(script: Script) -> Iterator[Finding]:
    """Yields last layers without activation before a loss without `from_logits`."""
    for head in heads(script):
        if head.activation == "linear" and not head.from_logits:
            binary = head.loss == "BinaryCrossentropy"
            yield Finding(
                code="RD637",
                label="logits_as_probabilities",
                severity="error",
                title=f"The output has no activation, and {head.loss} takes "
                "probabilities (from_logits=False).",
                evidence={"activation": "linear", "loss": head.loss},
                why="Scores are clipped to (0, 1); those below 0 have no gradient any "
                "more.",
                cure="Tell the loss that it gets scores, or end with "
                f"{'sigmoid' if binary else 'softmax'}.",
                snippet=f"loss=keras.losses.{head.loss}(from_logits=True)",
                effect="Every score gets a gradient.",
                confidence=0.95,
                source=script.place(head.layer.node),
            )
