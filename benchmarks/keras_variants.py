"""Plain Keras, on whatever backend it was started with. Loads no torch by itself."""

from collections.abc import Callable

import numpy as np
from cases import Case

import keras  # isort: skip  after residency.models, which chooses the backend

Run = Callable[[], object]
"""Works on the images of one sample."""


def fit(case: Case, *, accelerated: bool = False) -> Run:
    """Returns a sample of `keras.Model.fit`, its steps in one call."""
    model = case.keras_model()
    if accelerated:
        from residency.engine import accelerate  # late: it needs the torch backend

        accelerate(model)
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9), "sparse_categorical_crossentropy"
    )
    images = np.concatenate([case.images()] * case.steps)
    labels = np.concatenate([case.labels()] * case.steps)
    return lambda: model.fit(
        images, labels, batch_size=case.batch, shuffle=False, verbose=0
    )


def predict(case: Case) -> Run:
    """Returns a sample of `keras.Model.predict_on_batch`."""
    model = case.keras_model()
    images = case.images().astype("float32")
    return lambda: [model.predict_on_batch(images) for _ in range(case.steps)]
