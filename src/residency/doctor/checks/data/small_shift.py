"""RD118: padding that is next to nothing at the size of the images."""

from collections.abc import Sequence

from residency.data import PadCrop
from residency.doctor.checks.check import Check
from residency.doctor.own_data import PipelineBatches
from residency.doctor.probe import Probe
from residency.records import Finding

SMALL = 0.03
"""Of the side. The papers pad 32 pixels by 4, an eighth."""


def run(probe: Probe) -> Sequence[Finding] | None:
    """Compares the padding of our own pipelines with the side of their images."""
    data = probe.train.source.data
    if not isinstance(data, PipelineBatches):
        return []
    side = data.pipeline.image_size
    pads = [t.padding for t in data.pipeline.transforms if isinstance(t, PadCrop)]
    small = [pad for pad in pads if 0 < pad < SMALL * side]
    return [_finding(pad, side) for pad in small[:1]]


def _finding(padding: int, side: int) -> Finding:
    share = padding / side
    return Finding(
        code="RD118",
        label="small_shift",
        severity="advice",
        title=(
            f"A padding of {padding} moves images of {side} pixels by "
            f"{100 * share:.1f} % of their side at most."
        ),
        evidence={"padding": padding, "side": side, "share": round(share, 4)},
        why=(
            "The papers pad images of 32 pixels by 4, 12.5 %. At this size the same "
            "padding changes next to nothing, and overfitting stays as it was."
        ),
        cure="pad in proportion to the side, or crop as for large images",
        snippet=f"PadCrop(padding={round(side / 8)})  # or RandomResizedCrop()",
        effect="training accuracy falls, validation accuracy rises",
        confidence=0.8,
    )


CHECK = Check("random shifts are large enough for the size of the images", run)
