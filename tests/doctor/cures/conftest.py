from collections.abc import Callable

import keras
import numpy as np
import pytest

from residency.doctor.cures import Case
from residency.doctor.probe.graph import read_graph
from residency.doctor.probe.sample import read_sample
from residency.doctor.probe.settings import read_settings
from residency.records import Finding


@pytest.fixture
def suspect() -> Callable[..., Finding]:
    """Returns a function that makes a finding of a label, with evidence."""

    def make(label: str, **evidence: object) -> Finding:
        return Finding(
            code="RD999",
            label=label,
            severity="warning",
            title=f"It is {label}.",
            evidence=evidence,
            why="",
            cure="",
            confidence=0.9,
        )

    return make


@pytest.fixture
def case_of() -> Callable[..., Case]:
    """Returns a function that makes a case of a model and arrays."""

    def make(model: keras.Model, x: np.ndarray, y: np.ndarray, batch=32) -> Case:
        sample = read_sample((x, y), seconds=5, max_bytes=2**24, batch_size=batch)
        settings = read_settings(
            model, epochs=None, steps_per_epoch=sample.steps, callbacks=()
        )
        return Case(model, read_graph(model), settings, sample)

    return make


@pytest.fixture
def dense() -> Callable[..., keras.Model]:
    """Returns a function that makes a compiled network of two dense layers."""

    def make(
        loss="sparse_categorical_crossentropy", units=3, activation="softmax", **hidden
    ) -> keras.Model:
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dense(8, activation="relu", **hidden),
                keras.layers.Dropout(0.9),
                keras.layers.Dense(units, activation=activation),
            ]
        )
        model.compile(keras.optimizers.Adam(0.01), loss)
        return model

    return make
