import keras
import pytest
from keras import layers

from residency.doctor.probe.settings import read_settings


def read(loss="mse", optimizer="sgd", metrics=None, **plan):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    model.compile(optimizer, loss, metrics=metrics)
    options = {"epochs": 4, "steps_per_epoch": 10, "callbacks": ()} | plan
    return read_settings(model, **options)


@pytest.mark.parametrize(
    ("given", "name", "from_logits", "smoothing"),
    [
        ("mse", "mean_squared_error", False, 0),
        ("bce", "binary_crossentropy", False, 0),
        ("categorical_crossentropy", "categorical_crossentropy", False, 0),
        (keras.losses.categorical_crossentropy, "categorical_crossentropy", False, 0),
        (
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            *("sparse_categorical_crossentropy", True, 0),
        ),
        (
            keras.losses.BinaryCrossentropy(label_smoothing=0.1),
            *("binary_crossentropy", False, 0.1),
        ),
        (keras.losses.KLDivergence(), "kl_divergence", False, 0),
        (lambda y, p: p, "custom", False, 0),
        (["mae"], "mean_absolute_error", False, 0),
    ],
)
def test_losses_by_their_one_name(given, name, from_logits, smoothing):
    loss = read(given).loss
    assert (loss.name, loss.from_logits) == (name, from_logits)
    assert loss.label_smoothing == smoothing


def test_metrics_by_name_and_kind():
    def own(y, p):
        return p

    given = ["accuracy", keras.metrics.BinaryAccuracy(name="acc"), own]
    given.append(keras.metrics.mean_squared_error)
    settings = read(metrics=given)
    assert settings.metrics == ("accuracy", "acc", "own", "mean_squared_error")
    assert settings.metric_kinds == (
        *("accuracy", "BinaryAccuracy", "custom", "mean_squared_error"),
    )


def test_a_fixed_rate_and_the_plan():
    settings = read(optimizer=keras.optimizers.Adam(0.03))
    assert settings.rate == settings.first_rate == pytest.approx(0.03)
    assert settings.total_steps == 40
    assert settings.schedule is None


def test_a_schedule_is_read_at_the_start_of_each_epoch():
    decay = keras.optimizers.schedules.PiecewiseConstantDecay([15], [1.0, 0.1])
    settings = read(optimizer=keras.optimizers.SGD(decay))
    assert settings.epoch_rates == pytest.approx((1.0, 1.0, 0.1, 0.1))
    assert settings.schedule["class"] == "PiecewiseConstantDecay"


def test_a_scheduler_overrules_the_optimizer():
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    settings = read(optimizer=keras.optimizers.SGD(0.8), callbacks=[halve])
    assert settings.first_rate == pytest.approx(0.4)
    assert settings.epoch_rates == pytest.approx((0.4, 0.2, 0.1, 0.05))


def test_a_model_that_is_not_compiled():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    settings = read_settings(model, epochs=None, steps_per_epoch=None, callbacks=())
    assert settings.loss is settings.optimizer is settings.rate is None
    assert settings.metrics == settings.metric_kinds == ()
    assert settings.total_steps is None
