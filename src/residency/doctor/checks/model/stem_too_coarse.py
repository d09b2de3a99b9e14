"""RD216: strides and pooling throw the resolution away too early."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.first_weights import trained_before
from residency.doctor.probe import Forward, Node, Probe
from residency.doctor.probe.graph import WEIGHTED
from residency.records import Finding

SMALLEST, LARGEST = 16, 64
"""Sides of inputs, in pixels, that have no resolution to give away in one layer."""
QUARTER, FIFTH = 4, 5
"""Side of the input over that of the map. A window takes a pixel or two at the border,
so that a quarter of 64 may be 15."""
FEW_PIXELS = 8
"""A map of this side or less at a quarter of the input is small for what follows."""
POOLED = 8
"""Side of the input over that of the first map that a window reads."""
FOLLOWING = 2
"""Convolutions after the stem: with fewer, it is no stem but the network."""
AT_ONE = 0.15
"""Share of the convolutions that see a single place."""
STEM = 'keras.layers.Conv2D(64, 3, strides=1, padding="same", use_bias=False)'
_SPATIAL = ("Conv2D", "SeparableConv2D", "DepthwiseConv2D")


@dataclass(frozen=True, slots=True)
class _Place:
    node: Node
    given: int
    """Shorter side of the map it reads."""
    gives: int


def find(probe: Probe) -> Sequence[Finding] | None:
    """Compares the sides of the maps with that of the input."""
    if probe.forward is None:
        return None
    pooled = _pooled_away(probe, probe.forward)
    if pooled is not None:
        return [pooled]
    x = probe.train.images
    if x is None:
        return None
    side = min(x.shape[1:3])
    places = _places(probe)
    if not places:
        return []
    found = _one_place(places, side) or _coarse(probe, places, side)
    return [] if found is None else [found]


def _pooled_away(probe: Probe, forward: Forward) -> Finding | None:
    """Few places where the first window reads, of an input of many."""
    x = probe.train.x
    readers = [n for n in probe.graph.entrances if n.kind in (*WEIGHTED, "Embedding")]
    if x is None or x.ndim < 3 or not readers or trained_before(probe):
        return None
    for node in readers:
        given = forward.inputs.get(node.name)
        window = node.kind in (*_SPATIAL, "Conv1D")
        if not window or given is None or len(given.shape) != x.ndim:
            return None
        if not _is_pooled(node, x.shape, given.shape):
            return None
    first = readers[0]
    side, left = (_side(first, s) for s in (x.shape, forward.inputs[first.name].shape))
    return _finding(
        "warning",
        f"{first.name} is the first layer with a window, and reads {left} places of "
        f"the {side} of the input.",
        {"input_side": side, "first_window": first.name, "places_left": left},
        "Pooling before the first weights averages away what they could have found.",
        "Put the pooling behind the first layers with weights, in small steps",
        f'x = keras.layers.{first.kind}(32, 3, padding="same")(x)  # then pool by 2',
    )


def _is_pooled(node: Node, given: tuple[int, ...], left: tuple[int, ...]) -> bool:
    """Whether few places are left of many, and as much fewer numbers."""
    side, numbers = _side(node, left), math.prod(left[1:])
    few = side <= FEW_PIXELS and side * POOLED <= _side(node, given)
    return few and numbers * POOLED <= math.prod(given[1:])  # not only reordered


def _places(probe: Probe) -> list[_Place]:
    """The convolutions with a window, in order, with the maps that were measured."""
    forward, found = probe.forward, []
    for node in probe.graph.nodes:
        if (
            forward is None
            or node.kind not in _SPATIAL
            or node.name not in forward.inputs
        ):
            continue
        if max(node.layer.kernel_size) < 2:
            continue
        before = _side(node, forward.inputs[node.name].shape)
        found.append(
            _Place(node, before, _side(node, forward.outputs[node.name].shape))
        )
    return found


def _side(node: Node, shape: tuple[int, ...]) -> int:
    first = getattr(node.layer, "data_format", "") == "channels_first"
    return min(shape[2:] if first else shape[1:-1])


def _one_place(places: list[_Place], side: int) -> Finding | None:
    """Windows of more than a pixel on maps of one."""
    blind = [p for p in places if p.given == 1]
    if side < FEW_PIXELS or len(blind) < 2 or len(blind) < AT_ONE * len(places):
        return None
    return _finding(
        "warning",
        f"{len(blind)} of {len(places)} convolutions read maps of 1x1, from "
        f"{blind[0].node.name} on: the input of {side} pixels is used up.",
        {
            "input_side": side,
            "first_blind_layer": blind[0].node.name,
            "blind_convolutions": len(blind),
            "convolutions": len(places),
            "last_map_side": places[-1].gives,
        },
        "A 3x3 window on one pixel uses its centre only: 8 of 9 weights see padding.",
    )


def _coarse(probe: Probe, places: list[_Place], side: int) -> Finding | None:
    """A quarter of the side or less after a single convolution."""
    if not SMALLEST <= side <= LARGEST or len(places) < 1 + FOLLOWING:
        return None
    second = places[1]
    if places[0].given < side or places[1].node.kind == "DepthwiseConv2D":
        return None
    lost = (second.given - 1) * FIFTH < side
    small = second.given * QUARTER <= side and second.given <= FEW_PIXELS
    if not (lost or small) or trained_before(probe):
        return None
    return _finding(
        "warning",
        f"After {places[0].node.name} and what follows it, {side}x{side} pixels are "
        f"{second.given}x{second.given}, with {len(places) - 1} convolutions to come.",
        {
            "input_side": side,
            "side_after_stem": second.given,
            "stem": places[0].node.name,
            "convolutions_after": len(places) - 1,
            "last_map_side": places[-1].gives,
        },
        "This stem is made for inputs of 200 pixels and more; of small images it "
        "leaves the outlines only.",
    )


def _finding(
    severity: str,
    title: str,
    evidence: dict[str, int | str],
    why: str,
    cure: str = "A 3x3 stem of stride 1 without pooling, or larger images",
    snippet: str = STEM,
) -> Finding:
    return Finding(
        code="RD216",
        label="stem_too_coarse",
        severity=severity,
        title=title,
        evidence=evidence,
        why=why,
        cure=cure,
        snippet=snippet,
        effect="Several points of accuracy on small images, at more computing.",
        confidence=0.85,
    )


CHECK = Check("the maps stay large enough for the convolutions on them", find)
