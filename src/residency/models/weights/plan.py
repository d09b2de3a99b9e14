"""One load: the whole assignment is worked out first, then made, or nothing is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from residency.models.stages import head_of
from residency.models.weights.kernels import adapt_stem
from residency.models.weights.matching import Found, Matching, layers_of
from residency.models.weights.report import LayerLoad

_HEADS = ("predictions", "fc1", "fc2", "classifier", "fc", "head")
"""What the last layers of files are called; theirs may be left over."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be assigned, and the report on it."""

    arrays: Mapping[str, np.ndarray]
    """By `path` of the model's variables."""
    layers: tuple[LayerLoad, ...]

    def apply(self, model: keras.Model) -> None:
        """Assigns; the rest of the model stays as it is."""
        for variable in model.weights:
            if variable.path in self.arrays:
                variable.assign(self.arrays[variable.path])


def plan(matching: Matching, model: keras.Model, *, other_classes: str = "") -> Plan:
    """Works out what becomes of every layer and of every array that is left over.

    Args:
        matching: The file, read for `model`.
        model: The network to fill.
        other_classes: Why the last layer must be new though its shape fits.
    """
    behind = head_of(model).layers  # the last convolution may be one, and is no head
    heads = [x.name for x in behind if isinstance(x, keras.layers.Dense)]
    arrays: dict[str, np.ndarray] = {}
    loads: list[LayerLoad] = []
    new_head = ""
    for layer, variables in layers_of(model).items():
        if layer in heads and new_head:
            reason = f"reads {new_head}, which is new"
            loads.append(LayerLoad(layer=layer, status="new", reason=reason))
            continue
        load, fitting = _layer(layer, variables, matching.found, model)
        if layer in heads and load.status in ("shape differs", "not in file"):
            load, fitting, new_head = replace(load, status="new", source=()), {}, layer
        elif layer in heads[-1:] and other_classes:
            load = LayerLoad(layer=layer, status="new", reason=other_classes)
            fitting, new_head = {}, layer
        loads.append(load)
        arrays |= fitting
    unused = list(_unused(matching, bool(new_head)))
    return Plan(arrays, (*loads, *unused))


def _layer(
    layer: str, variables: list[Any], found: Mapping[str, Found], model: keras.Model
) -> tuple[LayerLoad, dict[str, np.ndarray]]:
    arrays, sources, changes = {}, [], []
    for variable in variables:
        last = variable.path.rpartition("/")[2]
        if variable.path not in found:
            if _is_idle_bias(variable, variables, found):
                arrays[variable.path] = np.zeros(variable.shape)
                changes.append("no bias in the file: 0, as the network there has none")
                continue
            missing = f"the file has no {last} for it"
            return LayerLoad(layer=layer, status="not in file", reason=missing), {}
        array, expected = found[variable.path].array, tuple(variable.shape)
        if array.shape != expected and _is_stem(array.shape, expected, model):
            array = adapt_stem(array, expected[2])
            inputs = found[variable.path].array.shape[2]
            changes.append(f"{inputs} input channels made {expected[2]}")
        if array.shape != expected:
            return _differs(layer, last, array.shape, expected), {}
        arrays[variable.path] = array
        sources.append(found[variable.path].source)
    return (
        LayerLoad(
            layer=layer,
            status="adapted" if changes else "matched",
            reason="; ".join(changes),
            source=tuple(sources),
        ),
        arrays,
    )


def _differs(
    layer: str, variable: str, got: tuple[int, ...], expected: tuple[int, ...]
) -> LayerLoad:
    reason = f"{variable} is {got} in the file and {expected} here"
    if len(got) == len(expected) == 2 and got[0] == expected[0]:
        reason = f"{got[1]} classes in the file, {expected[1]} here"
    return LayerLoad(layer=layer, status="shape differs", reason=reason)


def _is_idle_bias(
    variable: Any, variables: list[Any], found: Mapping[str, Found]
) -> bool:
    """Tells whether a convolution has a bias here that its file's network has not."""
    kernel = next((w for w in variables if w.path.endswith("/kernel")), None)
    return (
        kernel is not None
        and len(kernel.shape) == 4
        and kernel.path in found
        and variable.path.endswith("/bias")
    )


def _is_stem(
    got: tuple[int, ...], expected: tuple[int, ...], model: keras.Model
) -> bool:
    """Tells whether the kernels differ in the channels of the model's images only."""
    images: Any = model.inputs[0]
    return (
        len(got) == len(expected) == 4
        and (*got[:2], got[3]) == (*expected[:2], expected[3])
        and expected[2] in (images.shape[-1], images.shape[1])
    )


def _unused(matching: Matching, new_head: bool) -> Iterator[LayerLoad]:
    """Yields what is left over in the file: the head a new one replaces, or a fault."""
    for name in matching.unused:
        layer = name.replace("/", ".").rpartition(".")[0].split(".")[0]
        if new_head and (layer.startswith(_HEADS) or layer == "probs"):
            yield LayerLoad(
                layer=name, status="not used", reason="its place has a new layer"
            )
        else:
            shape = matching.unused[name].shape
            yield LayerLoad(
                layer=name,
                status="left over",
                reason=f"no layer of {len(shape)} axes {shape} is here for it",
            )
