"""Settings without effect, as far as model, optimizer and callbacks show them."""

import keras
import pytest

from residency.doctor.checks.optimisation.config_not_applied import check

from .conftest import rows

Stop = keras.callbacks.EarlyStopping
Plateau = keras.callbacks.ReduceLROnPlateau


def keep(**settings):
    return keras.callbacks.ModelCheckpoint(
        "best.keras", save_best_only=True, **settings
    )


@pytest.mark.parametrize(
    ("callback", "validated", "severity"),
    [
        (Stop(monitor="val_acc"), True, "error"),
        (Stop(monitor="val_acc", mode="max"), True, "warning"),
        (Stop(monitor="val_loss"), False, "warning"),
        (keep(monitor="val_accuracy", mode="min"), True, "warning"),
        (keep(monitor="val_loss", mode="max"), True, "warning"),
        (Plateau(monitor="val_loss"), False, "warning"),
        (Plateau(monitor="loss", min_lr=0.1), True, "warning"),
        (Stop(monitor="loss", patience=50), True, "advice"),
    ],
)
def test_finds_callbacks(probe_of, callback, validated, severity):
    validation = rows(32) if validated else None
    found = check(probe_of(callbacks=[callback], validation=validation))
    assert [(f.label, f.severity) for f in found] == [("config_not_applied", severity)]


@pytest.mark.parametrize(
    "callbacks",
    [
        [Stop(monitor="val_accuracy", patience=5), keep(monitor="val_loss")],
        [Stop(monitor="loss"), Plateau(monitor="val_accuracy", mode="max")],
        [keras.callbacks.ModelCheckpoint("last.keras", monitor="val_acc")],
        [keras.callbacks.Callback(), keras.callbacks.TerminateOnNaN()],
    ],
)
def test_near_misses(probe_of, callbacks):
    assert check(probe_of(callbacks=callbacks, validation=rows(32))) == []


def test_a_callback_of_the_users_may_report_more(probe_of):
    class Reports(keras.callbacks.Callback):
        pass

    callbacks = [Reports(), Stop(monitor="val_f1", mode="max")]
    assert check(probe_of(callbacks=callbacks, validation=rows(32))) == []


def test_a_constraint_given_as_a_regularizer(probe_of):
    wrong = keras.layers.Dense(8, kernel_regularizer=keras.constraints.MaxNorm(3))
    right = keras.layers.Dense(8, kernel_constraint=keras.constraints.MaxNorm(3))
    (found,) = check(probe_of([wrong]))
    assert found.severity == "warning"
    assert check(probe_of([right])) == []


def test_gradients_that_are_summed_for_ever(probe_of):
    optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=1000)
    (found,) = check(probe_of(optimizer=optimizer))
    assert found.severity == "error"
    few = keras.optimizers.SGD(0.1, gradient_accumulation_steps=4)
    assert check(probe_of(optimizer=few)) == []
