"""In inference, only those rows and columns are made that somebody reads.

A 1x1 convolution of stride 2 reads a quarter of its image. Where nobody reads the rest,
as at the end of each stage of a ResNet-50 of 2015, what makes the image strides in its
place, and what comes before that perhaps as well.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from residency.engine.lowering.call import Call
from residency.engine.lowering.convolution import ALL, Steps
from residency.engine.lowering.folding import FoldedConvolution
from residency.engine.lowering.layout import NO_SIDES


def thin(calls: Sequence[Call], keep: Sequence[int]) -> list[Call]:
    """Returns `calls` with strides moved to the first convolution that can have them.

    Args:
        calls: In the order in which they run.
        keep: Slots of the model's outputs.
    """
    read: dict[int, set[Steps]] = {slot: {ALL} for slot in keep}
    made: dict[int, Steps] = {}  # by slot, in steps of what the layer makes
    strides: dict[int, Steps] = {}
    for n in reversed(range(len(calls))):
        call = calls[n]
        steps = [ALL] * len(call.inputs)
        if isinstance(call.run, FoldedConvolution):
            [slot] = call.outputs
            wanted = read.get(slot, {ALL})
            made[slot] = given = wanted.pop() if len(wanted) == 1 else ALL
            strides[n] = _times(call.run.convolution.layer.strides, given)
            steps = [strides[n] if _is_pointwise(call.run) else ALL, given]
        for slot, step in zip(call.inputs, steps, strict=False):
            read.setdefault(slot, set()).add(step)
    found = list(calls)
    for n, stride in strides.items():
        source, *added = calls[n].inputs
        [slot] = calls[n].outputs
        run: Any = calls[n].run
        if _is_pointwise(run) and made.get(source, ALL) != ALL:
            stride = ALL  # it is thinned already
        whole = [other for other in added if made.get(other, ALL) == ALL]
        run = replace(run, strides=stride, added_steps=made[slot] if whole else ALL)
        found[n] = replace(calls[n], run=run)
    return found


def _is_pointwise(run: FoldedConvolution) -> bool:
    """Tells whether each number it gives comes from one row and column."""
    conv = run.convolution
    return conv.layer.kernel_size == (1, 1) and conv.zeros == NO_SIDES


def _times(a: Steps, b: Steps) -> Steps:
    return a[0] * b[0], a[1] * b[1]
