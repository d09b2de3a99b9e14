"""Pasted, the line changes the loss and nothing else."""

import keras
import pytest
from keras import layers

from residency.doctor.checks.model.recompile import recompile
from residency.doctor.diagnose import diagnose
from residency.doctor.probe.settings import read_settings


def network(activation="softmax"):
    return keras.Sequential([keras.Input((8,)), layers.Dense(3, activation=activation)])


def settings_of(model):
    return read_settings(model, epochs=None, steps_per_epoch=None, callbacks=())


def test_optimizer_and_metrics_are_kept():
    model, optimizer = network(), keras.optimizers.SGD(0.25)
    metrics = ["accuracy", keras.metrics.TopKCategoricalAccuracy(), lambda y, p: p]
    model.compile(optimizer, "mse", metrics=metrics)
    line = recompile('"categorical_crossentropy"', settings_of(model))
    exec(line, {"model": model})
    settings = settings_of(model)
    assert model.optimizer is optimizer
    assert settings.loss.name == "categorical_crossentropy"
    assert settings.metrics[0] == "accuracy"
    assert len(settings.metrics) == 2


@pytest.mark.parametrize(
    ("code", "activation", "loss"),
    [
        ("RD202", "softmax", keras.losses.SparseCategoricalCrossentropy(True)),
        ("RD203", None, "sparse_categorical_crossentropy"),
        ("RD204", "softmax", "mse"),
        ("RD205", "softmax", "categorical_crossentropy"),
    ],
)
def test_cures_of_the_loss_change_nothing_else(table, code, activation, loss):
    model, optimizer = network(activation), keras.optimizers.SGD(0.1, momentum=0.9)
    model.compile(optimizer, loss, metrics=["accuracy"])
    data = table(one_hot=code == "RD204")
    found = diagnose(model, data, budget_seconds=2)
    (snippet,) = {finding.snippet for finding in found if finding.code == code}
    exec(snippet, {"model": model, "keras": keras})
    assert model.optimizer is optimizer
    assert settings_of(model).metrics == ("accuracy",)
    assert settings_of(model).loss.name.endswith("categorical_crossentropy")
