"""Neighbouring calls that run better as one.

- Zeros around an image, then a convolution: the convolution pads by itself. So does the
  largest of a window where the image comes from a ReLU.
- Batch normalization, then an addition, ReLU or its kin, or both: one pass over memory
  where a native kernel is there.
- Convolution, then batch normalization, addition, activation: one convolution where
  the statistics stand still and nobody asks for gradients. It writes over what it
  adds if it is the last to read that, and makes only what is read (`thinning.py`).
- Strided 1x1 convolutions of one image: they share what they read of it.
- The end of a residual block, which two calls read: it adds their gradients up.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from keras import layers

from residency.engine.lowering.activations import (
    LINEAR,
    Pointwise,
    Rectifier,
    is_linear,
)
from residency.engine.lowering.bounds import with_bound
from residency.engine.lowering.call import Call, Run
from residency.engine.lowering.convolution import Convolution
from residency.engine.lowering.folding import FoldedConvolution
from residency.engine.lowering.layers import padded_max_pooling
from residency.engine.lowering.layout import Sides
from residency.engine.lowering.normalization import BatchNorm
from residency.engine.lowering.thinning import Thinned, share_thinned, thin

PADS = (layers.Conv2D, layers.DepthwiseConv2D, layers.MaxPooling2D)
"""What can add zeros around its image by itself."""
NO_LARGER = (
    layers.Add,
    layers.AveragePooling2D,
    layers.Concatenate,
    layers.Dropout,
    layers.MaxPooling2D,
    layers.ZeroPadding2D,
)
"""What gives, in inference, no number larger than those that it takes, added up."""


def fuse(calls: Sequence[Call], keep: Sequence[int]) -> list[Call]:
    """Returns `calls` with neighbours joined where nobody else reads between them.

    Args:
        calls: In the order in which they run.
        keep: Slots of the model's outputs.
    """
    found = list(calls)
    for join in (_pad_inside, _join_normalization, _fold):
        readers = Counter(slot for call in found for slot in call.inputs)
        readers.update(keep)
        found = join(found, readers)
    found = _reuse_added(thin(share_thinned(found), keep), keep)
    return _add_gradients(_keep_bounds(found, keep), keep)


def _pad_inside(calls: list[Call], readers: Counter[int]) -> list[Call]:
    writers = {call.outputs[0]: call for call in calls}
    joined: set[int] = set()
    found = []
    for call in calls:
        pad = writers.get(call.inputs[0]) if call.inputs else None
        zeros = _zeros(pad, call) if pad and readers[call.inputs[0]] == 1 else None
        run = (
            _padded(call, zeros, writers.get(pad.inputs[0])) if pad and zeros else None
        )
        if pad and run:
            joined.add(pad.outputs[0])
            call = replace(call, run=run, inputs=pad.inputs)
        found.append(call)
    return [call for call in found if call.outputs[0] not in joined]


def _zeros(pad: Call, call: Call) -> Sides | None:
    """Returns the zeros around the image if `pad` can go into `call`."""
    layer, inner = pad.operation, call.operation
    if type(layer) is not layers.ZeroPadding2D or type(inner) not in PADS:
        return None
    fits = (
        not (pad.kept or call.kept or pad.casts or call.casts)
        and inner.padding == "valid"
        and layer.data_format == inner.data_format
        and layer.compute_dtype == inner.compute_dtype
    )
    (top, bottom), (left, right) = layer.padding
    return ((top, bottom), (left, right)) if fits else None


def _padded(call: Call, zeros: Sides, before: Call | None) -> Run | None:
    """Returns `call` on an image with zeros around it, which `before` made."""
    layer = call.operation
    if isinstance(call.run, Convolution):
        return type(call.run)(layer, zeros)
    rectifier = None if before is None else _rectifier(before)
    positive = rectifier is not None and rectifier.slope == 0
    (top, bottom), (left, right) = zeros
    even = top == bottom and left == right
    half = 2 * top <= layer.pool_size[0] and 2 * left <= layer.pool_size[1]
    return (
        padded_max_pooling(layer, (top, left)) if positive and even and half else None
    )


def _join_normalization(calls: list[Call], readers: Counter[int]) -> list[Call]:
    found: list[Call | None] = list(calls)
    place = {call.outputs[0]: n for n, call in enumerate(calls)}

    def before(slot: int, reader: Call, kind: type) -> Call | None:
        """Returns the call of this kind that made `slot`, for `reader` alone."""
        call = found[place[slot]] if slot in place else None
        if call is None or type(call.operation) is not kind or call.kept or call.casts:
            return None
        if kind is layers.BatchNormalization and call.run != BatchNorm(call.operation):
            return None  # left to Keras, or joined already
        alone = readers[slot] == 1
        same = call.operation.compute_dtype == _dtype(reader.operation, call.operation)
        return call if alone and same else None

    def added(add: Call | None) -> tuple[Call, int, int] | None:
        """Returns a normalization, its slot, and the slot that is added to it."""
        if add is None or len(add.inputs) != 2 or add.operation._reshape_required:
            return None
        for slot, other in (add.inputs, add.inputs[::-1]):
            norm = before(slot, add, layers.BatchNormalization)
            if norm is not None and slot != other:
                return norm, slot, other
        return None

    def join(
        last: Call, rectifier: Rectifier, norm: Call, gone: list[int], *others: int
    ) -> None:
        """Puts `norm` and what follows it in the place of `last`."""
        run = BatchNorm(norm.operation, bool(others), rectifier)
        inputs = (*norm.inputs, *others)
        for slot in gone:
            found[place[slot]] = None
        found[place[last.outputs[0]]] = replace(
            norm, run=run, inputs=inputs, outputs=last.outputs
        )

    for call in calls:
        rectifier = _rectifier(call)
        if rectifier is None:
            continue
        [source] = call.inputs
        norm = before(source, call, layers.BatchNormalization)
        addition = added(before(source, call, layers.Add))
        if norm is not None:
            join(call, rectifier, norm, [source])
        elif addition is not None:
            norm, slot, other = addition
            join(call, rectifier, norm, [source, slot], other)
    for call in list(found):  # what is added, and no rectifier follows
        if call is None or type(call.operation) is not layers.Add:
            continue
        addition = None if call.kept or call.casts else added(call)
        if addition is not None:
            norm, slot, other = addition
            join(call, LINEAR, norm, [slot], other)
    return [call for call in found if call is not None]


def _fold(calls: list[Call], readers: Counter[int]) -> list[Call]:
    """Makes a `FoldedConvolution` of each convolution and of what follows it alone."""
    found: dict[int, Call] = {}  # by the slot it writes, in order
    for call in calls:
        source = found.get(call.inputs[0]) if call.inputs else None
        run: Any = None
        if isinstance(call.run, Convolution):
            run = FoldedConvolution(call.run)
        elif (
            source is not None
            and isinstance(source.run, FoldedConvolution)
            and readers[call.inputs[0]] == 1
            and not call.casts
        ):
            run = _with(source.run, call)
            if run is not None:
                del found[call.inputs[0]]
                call = replace(call, inputs=(*source.inputs, *call.inputs[1:]))
        found[call.outputs[0]] = call if run is None else replace(call, run=run)
    return list(found.values())


def _reuse_added(calls: list[Call], keep: Sequence[int]) -> list[Call]:
    """Lets additions write into the tensor they add where nobody reads it later.

    Only a tensor that a convolution made, and that convolutions alone read: any other
    call might return it, or a view of it, under another slot.
    """
    convolve = {n for n, call in enumerate(calls) if _folds(call)}
    made = {slot for n in convolve for slot in calls[n].outputs}
    last_reader = {slot: n for n, call in enumerate(calls) for slot in call.inputs}
    shown = {
        slot
        for n, call in enumerate(calls)
        if n not in convolve
        for slot in call.inputs
    }
    own = made - shown - set(keep)
    found = list(calls)
    for n in convolve:
        source, *added = calls[n].inputs
        last = added and added[0] in own and last_reader[added[0]] == n
        if last and added[0] != source:
            run: Any = calls[n].run
            found[n] = replace(calls[n], run=replace(run, into_added=True))
    return found


def _keep_bounds(calls: list[Call], keep: Sequence[int]) -> list[Call]:
    """Lets calls say how large their results are, where convolutions want to know.

    Only of tensors that nobody else reads, who might write to them.
    """
    passing = {
        call.outputs[0]
        for call in calls
        if isinstance(call.run, Thinned)
        or (type(call.operation) in NO_LARGER and not (call.kept or call.casts))
    }
    shown, wanted = set(keep), set[int]()
    found = []
    for call in reversed(calls):
        run, slot = call.run, call.outputs[0]
        passes = slot in passing
        told = slot in wanted and slot not in shown
        same = type(call.operation) is layers.Dropout and slot in shown
        if same or not (passes or _folds(call)):
            shown.update(call.inputs)
        elif told or getattr(run, "cuts", False):
            wanted.update(call.inputs)
        if told and isinstance(run, FoldedConvolution):
            call = replace(call, run=replace(run, alone=True))
        elif told and passes and not isinstance(run, Thinned):
            call = replace(call, run=with_bound(run))
        found.append(call)
    return found[::-1]


def _add_gradients(calls: list[Call], keep: Sequence[int]) -> list[Call]:
    """Lets two readers of a block's end read a slot each.

    Their gradients come to it one by one then, and its backward pass adds them up as it
    reads them. Torch would write their sum and read it again; here, both are in memory
    a little longer.
    """
    readers: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for n, call in enumerate(calls):
        for place, slot in enumerate(call.inputs):
            readers[slot].append((n, place))
    free = 1 + max((slot for call in calls for slot in call.outputs), default=0)
    found = list(calls)
    for n, call in enumerate(calls):
        run: Any = call.run
        ends = isinstance(run, FoldedConvolution) and _ends_block(run)
        if not ends or len(readers[call.outputs[0]]) != 2 or call.outputs[0] in keep:
            continue
        reader, place = readers[call.outputs[0]][1]
        inputs = list(found[reader].inputs)
        inputs[place] = free
        found[reader] = replace(found[reader], inputs=tuple(inputs))
        outputs = (*call.outputs, free)
        found[n] = replace(found[n], run=replace(run, twice=True), outputs=outputs)
        free += 1
    return found


def _ends_block(folded: FoldedConvolution) -> bool:
    """Tells whether it adds and then cuts off."""
    norm = folded.norm
    cuts = norm is not None and norm.residual and norm.rectifier != LINEAR
    return cuts and folded.activation is None


def _folds(call: Call) -> bool:
    return isinstance(call.run, FoldedConvolution)


def _with(folded: FoldedConvolution, call: Call) -> FoldedConvolution | None:
    """Returns the convolution with `call` in it, if it can go there."""
    conv, norm = folded.convolution, folded.norm
    layer = conv.layer
    if isinstance(call.run, BatchNorm):
        alone = norm is None and folded.activation is None
        fits = (
            alone
            and is_linear(layer)
            and layer.compute_dtype == call.operation.compute_dtype
            and _normalizes_channels(call.operation, layer)
        )
        return FoldedConvolution(conv, call.run) if fits else None
    words = None if call.kept else Pointwise.of_layer(call.operation)
    free = is_linear(layer) if norm is None else norm == BatchNorm(norm.layer)
    if words is None or not free or folded.activation is not None:
        return None
    return FoldedConvolution(conv, norm, (call.run, words))


def _normalizes_channels(norm: Any, conv: Any) -> bool:
    return norm.axis % 4 == (3 if conv.data_format == "channels_last" else 1)


def _dtype(operation: Any, default: Any) -> str:
    return getattr(operation, "compute_dtype", default.compute_dtype)


def _rectifier(call: Call) -> Rectifier | None:
    if call.kept or call.casts or len(call.inputs) != 1:
        return None
    return Rectifier.of_layer(call.operation)
