"""RD620: `prefetch(batch_size)` counts batches, not images."""

from collections.abc import Iterator

from residency.doctor.script.flow import pipeline
from residency.doctor.script.script import Script
from residency.doctor.script.values import number
from residency.records import Finding


def check(script: Script) -> Iterator[Finding]:
    """Yields a prefetch of as many batches as a batch has images."""
    for call in script.calls:
        if call.method != "prefetch":
            continue
        ahead = number(script, call.argument("buffer_size", 0))
        before = [step.call for step in pipeline(script, call.receiver)]
        batches = [c for c in before if c.method == "batch"]
        size = (
            number(script, batches[-1].argument("batch_size", 0)) if batches else None
        )
        if ahead is not None and size is not None and 16 <= ahead == size:
            yield Finding(
                code="RD620",
                label="memory",
                severity="advice",
                title=f"`{script.text(call.node.func, 40)}` keeps {ahead:.0f} batches "
                f"ready: {ahead * size:,.0f} images.",
                evidence={"batches": int(ahead), "images": int(ahead * size)},
                why="After `batch` the buffer counts batches. At 224 x 224 floats that "
                f"is {ahead * size * 224 * 224 * 3 * 4 / 1e9:.1f} GB.",
                cure="Two batches ahead are enough.",
                snippet=".prefetch(tf.data.AUTOTUNE)",
                effect="Less memory, the same speed.",
                source=script.place(call.node),
            )
