"""Only those rows and columns are made, or handed on, that somebody reads.

A 1x1 convolution of stride 2 reads a quarter of its image. Where nobody reads the rest,
as at the end of each stage of a ResNet-50 of 2015, what makes the image strides in its
place, and what comes before that perhaps as well: in inference, as batch statistics
are those of the whole image. In training, the two convolutions that begin the next
stage share one thinned image, and the gradient of the whole one is filled in once.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from residency.engine.lowering.call import Call
from residency.engine.lowering.convolution import ALL, Steps
from residency.engine.lowering.folding import FoldedConvolution
from residency.engine.lowering.layout import (
    NO_SIDES,
    every,
    from_channels_first,
    to_channels_first,
)


@dataclass(frozen=True, slots=True)
class Thinned:
    """Every n-th row and column of an image."""

    own: Steps
    channels_last: bool
    strides: Steps
    """In inference."""

    def __call__(self, x: torch.Tensor, *, training: bool) -> torch.Tensor:
        """Returns what is read of `x`."""
        differentiable = training or torch.is_grad_enabled()
        steps = self.own if differentiable else self.strides
        if steps == ALL:
            return x
        y = every(to_channels_first(x, self.channels_last), steps)
        return from_channels_first(y, self.channels_last)


def share_thinned(calls: Sequence[Call]) -> list[Call]:
    """Returns `calls` with one thinned image where several convolutions make the same.

    Args:
        calls: In the order in which they run.
    """
    alike: dict[Any, list[int]] = defaultdict(list)
    for n, call in enumerate(calls):
        run: Any = call.run
        if _is_pointwise(run) and not call.casts and _own(run) != ALL:
            form = run.convolution.layer.data_format
            alike[call.inputs[0], _own(run), form].append(n)
    found = [[call] for call in calls]
    free = 1 + max((slot for call in calls for slot in call.outputs), default=0)
    shared = {key: places for key, places in alike.items() if len(places) > 1}
    for slot, ((source, steps, form), places) in enumerate(shared.items(), free):
        for n in places:
            call = calls[n]
            run = call.run
            conv = run.convolution
            run = replace(run, convolution=type(conv)(conv.layer, strides=ALL))
            found[n] = [replace(call, run=run, inputs=(slot, *call.inputs[1:]))]
        thinned = Thinned(steps, form == "channels_last", steps)
        first = calls[places[0]]
        call = replace(first, run=thinned, inputs=(source,), outputs=(slot,))
        found[places[0]].insert(0, call)
    return [call for group in found for call in group]


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
        if isinstance(call.run, FoldedConvolution | Thinned):
            [slot] = call.outputs
            wanted = read.get(slot, {ALL})
            made[slot] = given = wanted.pop() if len(wanted) == 1 else ALL
            strides[n] = _times(_own(call.run), given)
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
        run = replace(run, strides=stride)
        if added and any(made.get(other, ALL) == ALL for other in added):
            run = replace(run, added_steps=made[slot])
        found[n] = replace(calls[n], run=run)
    return found


def _own(run: Any) -> Steps:
    """Returns the strides in training."""
    return run.own if isinstance(run, Thinned) else run.convolution.strides


def _is_pointwise(run: Any) -> bool:
    """Tells whether each number it gives comes from one row and column."""
    if isinstance(run, FoldedConvolution):
        conv = run.convolution
        return conv.layer.kernel_size == (1, 1) and conv.zeros == NO_SIDES
    return isinstance(run, Thinned)


def _times(a: Steps, b: Steps) -> Steps:
    return a[0] * b[0], a[1] * b[1]
