"""A model and the random states as they were, whatever is done in between."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import global_state

from residency.doctor.probe.views import view_of

_AT_ONCE = 2**22
"""Bytes that are compared at once."""


@contextmanager
def unchanged(model: keras.Model) -> Iterator["Weights"]:
    """Yields the weights; gives back all that a probe may move, after errors, too.

    These are the variables of the model (weights, statistics, seeds), of its optimizer
    and of its metrics, gradients that torch holds, and the random states of Python,
    NumPy, torch and Keras.
    """
    before = Weights(model)
    states = _random_states()
    try:
        yield before
    finally:
        before.give_back()
        _give_back_random_states(states)


class Weights:
    """The values of all variables of a model, as they are now."""

    def __init__(self, model: keras.Model) -> None:
        variables: list[Any] = list(model.variables)
        optimizer = getattr(model, "optimizer", None)
        variables += getattr(optimizer, "variables", ())
        variables += getattr(model, "metrics_variables", ())
        self._held = [
            (v, np.array(view_of(v)), getattr(v.value, "grad", None))
            for v in {id(v): v for v in variables}.values()
        ]

    def give_back(self) -> None:
        """Puts the values back; those that did not change are left untouched."""
        for variable, value, gradient in self._held:
            if not _same(view_of(variable), value):
                variable.assign(value)
            if hasattr(variable.value, "grad"):
                variable.value.grad = gradient


def _same(now: np.ndarray, then: np.ndarray) -> bool:
    """Tells whether two arrays are the same bit for bit, soon if they are not."""
    if now.dtype.hasobject:
        return np.array_equal(now, then)
    bits, before = (np.ravel(array).view("u1") for array in (now, then))
    starts = range(0, len(bits), _AT_ONCE)
    return all(
        np.array_equal(bits[i : i + _AT_ONCE], before[i : i + _AT_ONCE]) for i in starts
    )


def _random_states() -> tuple[Any, ...]:
    torch = sys.modules.get("torch")
    seeds: Any = global_state.get_global_attribute("global_seed_generator")
    seed = None if seeds is None else np.array(keras.ops.convert_to_numpy(seeds.state))
    return (
        random.getstate(),
        np.random.get_state(),
        None if torch is None else torch.get_rng_state(),
        (seeds, seed),
    )


def _give_back_random_states(states: tuple[Any, ...]) -> None:
    python, numpy, torch_state, (seeds, seed) = states
    random.setstate(python)
    np.random.set_state(numpy)
    if torch_state is not None:
        sys.modules["torch"].set_rng_state(torch_state)
    if seeds is not None:
        seeds.state.assign(seed)
    else:
        global_state.set_global_attribute("global_seed_generator", None)
