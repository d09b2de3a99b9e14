"""Keras, plain or accelerated, on whatever backend it was started with."""

from collections.abc import Callable
from typing import Any

import numpy as np
from cases import Case

import keras  # isort: skip  after residency.models, which chooses the backend

Run = Callable[[], object]
"""Works on the images of one sample."""


POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
"""Keras' names for a precision."""


def fit(case: Case, precision: str, *, accelerated: bool = False) -> Run:
    """Returns a sample of `keras.Model.fit`, its steps in one call."""
    model = build(case, precision, accelerated)
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9), "sparse_categorical_crossentropy"
    )
    images = np.concatenate([case.images()] * case.steps)
    labels = np.concatenate([case.labels()] * case.steps)
    return lambda: model.fit(
        images, labels, batch_size=case.batch, shuffle=False, verbose=0
    )


def predict(case: Case, precision: str, *, accelerated: bool = False) -> Run:
    """Returns a sample of `keras.Model.predict_on_batch`."""
    model = build(case, precision, accelerated)
    images = case.images().astype("float32")
    return lambda: [model.predict_on_batch(images) for _ in range(case.steps)]


def build(case: Case, precision: str, accelerated: bool) -> Any:
    """Returns the network as a user of Keras, or of `accelerate`, has it."""
    if accelerated:
        from residency.engine import accelerate  # late: it needs the torch backend

        return accelerate(case.keras_model(), precision=precision)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        return case.keras_model()
    finally:
        keras.config.set_dtype_policy(before)
