"""One measured model, of which tests replace what a check looks at."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from residency.doctor.probe import take_probe
from residency.doctor.probe.as_set import AsSet
from residency.doctor.probe.overfit import Overfit
from residency.doctor.probe.reruns import Reruns
from residency.doctor.probe.sweep import SweepPoint
from residency.doctor.probe.trials import Trials


def rows(count=64, width=8, classes=4):
    """Returns numbers whose class can be learned."""
    rng = np.random.default_rng(0)
    y = np.arange(count) % classes
    return (rng.normal(0, 1, (count, width)) + y[:, None]).astype("float32"), y


@pytest.fixture
def probe_of():
    """Returns a function that measures a model without trials."""

    def measure(
        layers=(),
        data=None,
        optimizer="sgd",
        *,
        validation=None,
        epochs=20,
        callbacks=(),
        metrics=("accuracy",),
    ):
        x, y = rows() if data is None else data
        classes = int(y.max()) + 1
        model = keras.Sequential(
            [
                keras.Input(x.shape[1:]),
                *layers,
                keras.layers.Dense(classes, activation="softmax"),
            ]
        )
        model.compile(
            optimizer, "sparse_categorical_crossentropy", metrics=list(metrics)
        )
        return take_probe(
            model,
            (x, y),
            validation,
            epochs=epochs,
            callbacks=callbacks,
            trials=False,
        )

    return measure


@pytest.fixture
def with_trials():
    """Returns a function that gives a probe the trials of a test."""

    def give(
        probe,
        losses,
        *,
        sweep=(),
        moved=1.0,
        overfit=None,
        rates=None,
        rows=32,
        penalties=None,
        plain_last=None,
        held_out_loss=None,
        beyond=(),
        gentler=(),
        unpenalised=(),
    ):
        losses = tuple(float(loss) for loss in losses)
        rate = probe.settings.first_rate
        run = AsSet(
            losses=losses,
            penalties=tuple(penalties or [0.0] * len(losses)),
            rates=tuple(rates or [rate] * len(losses)),
            rows=rows,
            moved={"dense/kernel": moved},
            outputs={},
            inference_loss=losses[-1],
            training_loss=losses[-1],
            plain_first=losses[0],
            plain_last=losses[-1] if plain_last is None else plain_last,
            plain_inference_loss=losses[-1] if plain_last is None else plain_last,
            held_out_loss=held_out_loss,
            beyond=tuple(beyond),
        )
        points = tuple(SweepPoint(r, losses[0], end) for r, end in sweep)
        tried = None if overfit is None else Overfit(tuple(overfit), 32, 1e-3)
        again = Reruns(tuple(gentler), tuple(unpenalised))
        return replace(probe, trials=Trials(run, tried, points, again))

    return give
