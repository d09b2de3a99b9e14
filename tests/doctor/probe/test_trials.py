"""Short trainings: what they show, and that time is kept."""

import time

import keras
import numpy as np
import pytest

from residency.doctor.probe.gradients import penalty_of
from residency.doctor.probe.graph import read_graph
from residency.doctor.probe.keep import Weights
from residency.doctor.probe.settings import read_settings
from residency.doctor.probe.stepper import Stepper, fresh_optimizer
from residency.doctor.probe.trials import run_trials


def batches(count=4, rows=32):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(count):
        y = np.arange(rows) % 4
        x = (rng.normal(0, 1, (rows, 8)) + y[:, None]).astype("float32") / 2
        found.append((x, y, None))
    return found


def trials_of(
    optimizer,
    *,
    epochs=10,
    seconds=60.0,
    given=None,
    layers=(),
    penalty=None,
    held_out=(),
):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(32, activation="relu", kernel_regularizer=penalty),
            *layers,
            keras.layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy")
    given = given or batches()
    settings = read_settings(
        model, epochs=epochs, steps_per_epoch=len(given), callbacks=()
    )
    stepper = Stepper(model)
    graph = read_graph(model)
    before = Weights(model)
    return model, run_trials(stepper, graph, settings, given, before, seconds, held_out)


def test_a_short_plan_is_run_whole_and_as_fit_would():
    _, trials = trials_of(keras.optimizers.SGD(0.1), epochs=10)
    model, _ = trials_of(keras.optimizers.SGD(0.1), epochs=10, seconds=0.1)
    expected = []
    for step in range(40):
        x, y, _ = batches()[step % 4]
        model.reset_metrics()
        expected.append(float(model.train_on_batch(x, y)))
    np.testing.assert_allclose(trials.as_set.losses, expected, rtol=1e-3)
    assert trials.as_set.rows == 32


def test_weights_come_back():
    model, _ = trials_of(keras.optimizers.SGD(0.1), seconds=0.1)
    before = model.get_weights()
    fresh, _ = trials_of(keras.optimizers.SGD(0.1))
    for a, b in zip(before, fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def sweep_of(rate):
    _, trials = trials_of(keras.optimizers.SGD(rate), epochs=5)
    return {round(p.rate / rate, 6): p.end / p.start for p in trials.sweep}


def test_a_training_that_works_is_not_swept():
    assert list(sweep_of(0.5)) == [1.0]


def test_of_a_training_that_explodes_lower_rates_are_tried_until_one_works():
    ends = sweep_of(50.0)
    assert max(ends) < 1
    assert ends[min(ends)] < 0.7


def test_of_a_training_that_stands_still_higher_rates_are_tried_until_one_works():
    ends = sweep_of(1e-3)
    assert ends[1.0] > 0.95
    assert ends[max(ends)] < 0.7


def test_a_schedule_that_starts_at_zero_is_tried_at_its_peak():
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, 35, warmup_target=0.1, warmup_steps=5
    )
    _, trials = trials_of(keras.optimizers.SGD(schedule))
    assert trials.as_set.rates[0] == 0
    assert max(trials.as_set.rates) == pytest.approx(0.1)
    assert trials.sweep
    assert min(p.rate for p in trials.sweep) >= 0.09


def test_penalties_are_kept_apart():
    model, trials = trials_of(
        keras.optimizers.SGD(0.1), penalty=keras.regularizers.L2(0.1)
    )
    kernel = np.array(model.layers[0].kernel.numpy())
    assert penalty_of(model) == pytest.approx(0.1 * (kernel**2).sum(), rel=1e-5)
    assert trials.as_set.penalties[0] == pytest.approx(penalty_of(model), rel=1e-5)
    assert trials.as_set.data_losses[0] < trials.as_set.losses[0]
    assert trials.sweep[0].start < trials.as_set.losses[0]


def test_a_single_batch_is_learned():
    _, trials = trials_of(keras.optimizers.SGD(1e-9))
    assert trials.overfit.losses[-1] < 0.8 * trials.overfit.losses[0]


def test_time_is_kept_and_batches_are_cut():
    class Slow(keras.layers.Layer):
        def call(self, x):
            time.sleep(0.002 * x.shape[0])
            return x

    given = batches(rows=64)
    begin = time.monotonic()
    _, trials = trials_of(
        keras.optimizers.SGD(0.1), seconds=3.0, given=given, layers=[Slow()]
    )
    assert time.monotonic() - begin < 6.0
    assert 8 <= trials.as_set.rows < 64


def test_a_fresh_optimizer_has_the_settings_and_no_memory():
    used = keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=1.0)
    fresh = fresh_optimizer(used, 0.5)
    assert (fresh.momentum, fresh.nesterov, fresh.clipnorm) == (0.9, True, 1.0)
    assert float(fresh.learning_rate) == 0.5
    assert float(used.learning_rate) == pytest.approx(0.1)


def test_penalties_are_left_out_of_plain_losses_and_validation_is_asked():
    held_out = batches(count=2, rows=24)
    model, trials = trials_of(
        keras.optimizers.SGD(1e-9),
        penalty=keras.regularizers.L2(0.1),
        held_out=held_out,
    )
    run = trials.as_set
    model.evaluate(*held_out[0][:2], verbose=0)  # builds the metrics
    x, y = (np.concatenate([batch[i] for batch in held_out]) for i in (0, 1))
    plain = model.evaluate(x, y, verbose=0) - penalty_of(model)
    assert run.held_out_loss == pytest.approx(plain, rel=1e-4)
    assert run.plain_first == pytest.approx(run.data_losses[0], rel=1e-5)
    assert run.plain_last == pytest.approx(run.plain_inference_loss, rel=1e-5)


def test_a_plan_that_learns_little_is_run_again_and_on():
    _, trials = trials_of(
        keras.optimizers.SGD(1e-3), penalty=keras.regularizers.L2(0.1)
    )
    assert len(trials.as_set.losses) == 40
    assert len(trials.as_set.beyond) == 80
    assert trials.as_set.beyond[-1] < trials.as_set.data_losses[-1]
    again = trials.reruns
    assert len(again.gentler) == len(again.unpenalised) == 40
    start = trials.as_set.data_losses[0]
    assert again.gentler[0] == pytest.approx(start, rel=1e-4)
    assert again.gentler[-4] > trials.as_set.data_losses[-4]  # the same batch


def test_a_plan_that_learns_is_not_run_again():
    _, trials = trials_of(keras.optimizers.SGD(0.5))
    assert trials.as_set.beyond == ()
    assert trials.reruns.gentler == trials.reruns.unpenalised == ()


def test_a_loss_that_layers_alone_make_up_is_tried_too():
    class Size(keras.layers.Layer):
        def call(self, x):
            self.add_loss(keras.ops.mean(x**2))
            return x

    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), Size()])
    model.compile("adam")
    settings = read_settings(model, epochs=10, steps_per_epoch=4, callbacks=())
    found = run_trials(
        Stepper(model), read_graph(model), settings, batches(), Weights(model), 60.0
    )
    assert found.as_set.losses[-1] < found.as_set.losses[0]


def test_where_not_even_a_few_steps_fit_none_is_taken():
    class Slow(keras.layers.Layer):
        def call(self, x):
            time.sleep(0.03 * len(x))
            return x

    _, trials = trials_of("sgd", seconds=1.0, layers=[Slow()])
    assert trials is None
