"""RD628: padding that is next to nothing at the size of the images."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from residency.doctor.script.flow import pipeline, plain_names
from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import UNKNOWN, number, value
from residency.records import Finding

SMALL = 0.03
"""Of the side. The papers pad 32 pixels by 4, an eighth; 28 by 1 is above it."""
TO_SIDE = ("resize_with_crop_or_pad", "resize_image_with_crop_or_pad")
CROPS = ("random_crop", "stateless_random_crop")


class _Shift(NamedTuple):
    padding: float
    """Pixels on each side."""
    side: float


def check(script: Script) -> Iterator[Finding]:
    """Yields random crops of the old size out of an image padded by little."""
    for call in script.calls:
        shift = _of_tensorflow(script, call) or _of_layers(script, call)
        shift = shift or _of_torchvision(script, call)
        if shift and 0 < shift.padding < SMALL * shift.side:
            yield _finding(script, call, shift)


def _of_tensorflow(script: Script, call: Call) -> _Shift | None:
    """Reads `random_crop(resize_with_crop_or_pad(image, 232, 232), (224, 224, 3))`."""
    if not call.imported or call.last not in CROPS or not call.node.args:
        return None
    size = value(script, call.argument("size", 1))
    side = size[0] if isinstance(size, list | tuple) and size else None
    steps = pipeline(script, call.node.args[0])
    if not isinstance(side, int) or not steps:
        return None
    padded, names = steps[-1].call, plain_names(script, steps[-1].names)
    if padded.last in TO_SIDE:
        whole = number(script, padded.argument("target_height", 1), names)
        return None if whole is None else _Shift((whole - side) / 2, side)
    if padded.last == "pad" and padded.imported:
        sides = value(script, padded.argument("paddings", 1), names)
        padding = sides[0][0] if _is_table(sides) else None
        return _Shift(padding, side) if isinstance(padding, int) else None
    return None


def _is_table(sides: object) -> bool:
    rows = list(sides) if isinstance(sides, list | tuple) else []
    return bool(rows) and all(isinstance(r, list | tuple) and r for r in rows)


def _of_layers(script: Script, call: Call) -> _Shift | None:
    """Reads `ZeroPadding2D(4)` in front of `RandomCrop(224, 224)`."""
    side = number(script, call.argument("height", 0))
    if call.keras != "RandomCrop" or side is None:
        return None
    before = _layer_before(script, call.node)
    if before is None or before.keras != "ZeroPadding2D":
        return None
    padding = number(script, before.argument("padding", 0))
    return None if padding is None else _Shift(padding, side)


def _layer_before(script: Script, node: ast.Call) -> Call | None:
    """Returns the call that builds the layer whose output `node`'s layer gets."""
    parent = script.parents.get(node)
    if isinstance(parent, ast.List | ast.Tuple):
        place = parent.elts.index(node)
        return script.call_of(parent.elts[place - 1]) if place else None
    if isinstance(parent, ast.Call) and parent.func is node and parent.args:
        applied = script.origin(parent.args[0])
        return script.call_of(applied.func) if isinstance(applied, ast.Call) else None
    return None


def _of_torchvision(script: Script, call: Call) -> _Shift | None:
    """Reads `RandomCrop(224, padding=4)`."""
    if "torchvision" not in call.name or call.last != "RandomCrop":
        return None
    size = value(script, call.argument("size", 0))
    side = size[0] if isinstance(size, list | tuple) and size else size
    padding = value(script, call.argument("padding", 1))
    known = side is not UNKNOWN and isinstance(padding, int)
    return _Shift(padding, side) if known and isinstance(side, int) else None


def _finding(script: Script, call: Call, shift: _Shift) -> Finding:
    share = shift.padding / shift.side
    return Finding(
        code="RD628",
        label="small_shift",
        severity="advice",
        title=f"Padding of {shift.padding:g} pixels moves an image of {shift.side:g} "
        f"by {100 * share:.1f} % of its side at most.",
        evidence={"padding": shift.padding, "side": shift.side, "share": share},
        why="The papers pad images of 32 pixels by 4, 12.5 %. The same 4 pixels after "
        "enlarging change next to nothing, and overfitting stays as it was.",
        cure="Pad in proportion to the side, or before the image is enlarged.",
        snippet=f"padding = {round(shift.side / 8)}  # an eighth of {shift.side:g}",
        effect="Training accuracy falls, validation accuracy rises.",
        confidence=0.8,
        source=script.place(call.node),
    )
