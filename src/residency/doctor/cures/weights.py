"""First weights drawn anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from residency.doctor.cures.treatment import Case, Treatment
from residency.records import Finding

GAINS = (1 / 3, 3.0)
"""Root mean square times the root of the inputs of a unit, where nothing is odd."""


def drawn_anew(finding: Finding, case: Case) -> Treatment | None:
    """Draws constant kernels and those of an odd scale as He et al. (2015) do."""
    odd = [v for v in _kernels(case.model) if _is_odd(v)]
    if not odd:
        return None

    @contextmanager
    def on_model(model: keras.Model) -> Iterator[None]:
        draw = keras.initializers.HeNormal(seed=0)
        for variable in odd:  # the trial puts all variables back
            variable.assign(draw(variable.shape))
        yield

    return Treatment(words="first weights of usual scale", on_model=on_model)


def _kernels(model: keras.Model) -> list[Any]:
    variables: list[Any] = list(model.trainable_variables)
    return [v for v in variables if v.name == "kernel" and len(v.shape) >= 2]


def _is_odd(variable: Any) -> bool:
    value = np.array(keras.ops.convert_to_numpy(variable))
    fan_in = value.size / value.shape[-1]
    gain = float(np.sqrt(np.mean(np.square(value)) * fan_in))
    return value.std() == 0 or not GAINS[0] < gain < GAINS[1]


CURES = {"constant_init": (drawn_anew,), "init_scale_bad": (drawn_anew,)}
