"""What each layer takes and gives while the model runs once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from residency.doctor.probe.views import view_of

Watch = Callable[[Any, np.ndarray | None, np.ndarray | None], None]
"""Gets a layer, its first input and its first output, of one call; the memory of the
output is the model's: copy what is kept."""


@contextmanager
def watched(
    layers: list[Any], watch: Watch, takes: Callable[[Any], bool] = lambda layer: True
) -> Iterator[None]:
    """Calls `watch` after each call of one of `layers`, on any backend.

    Of layers for which `takes` is false the inputs are left out.

    The method `call` of each is replaced meanwhile, on the object alone.
    """
    replaced: list[Any] = []
    try:
        for layer in layers:
            if "call" not in vars(layer):
                object.__setattr__(layer, "call", _watching(layer, watch, takes(layer)))
                replaced.append(layer)
        yield
    finally:
        for layer in replaced:
            object.__delattr__(layer, "call")


def _watching(layer: Any, watch: Watch, takes: bool) -> Callable[..., Any]:
    call = layer.call

    def run(*args: Any, **kwargs: Any) -> Any:
        given = _first_array(args or kwargs) if takes else None
        if given is not None:
            given = given.copy(order="K")  # a call may work in place
        result = call(*args, **kwargs)
        watch(layer, given, _first_array(result))
        return result

    return run


def _first_array(value: Any) -> np.ndarray | None:
    for each in keras.tree.flatten(value):
        if keras.ops.is_tensor(each):
            return view_of(each)
    return None
