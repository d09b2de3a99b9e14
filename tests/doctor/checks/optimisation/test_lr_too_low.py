"""A rate is too low when nothing happens in the plan and a higher one learns."""

import keras
import numpy as np
import pytest

from residency.doctor.checks.optimisation.lr_too_low import check
from residency.doctor.probe import take_probe

HIGHER = [(1e-5, 1.3999), (1e-3, 1.35), (1e-2, 0.6)]


@pytest.fixture
def probe(probe_of):
    """Returns a plan of 40 steps at 1e-5."""
    return probe_of(optimizer=keras.optimizers.SGD(1e-5))


def test_finds_a_plan_in_which_nothing_moves(probe, with_trials):
    still = np.linspace(1.4, 1.399, 40)
    (found,) = check(with_trials(probe, still, sweep=HIGHER, moved=1e-4))
    assert (found.label, found.severity) == ("lr_too_low", "warning")
    assert found.evidence["higher_rate"] == 0.01


def test_a_loss_that_falls_is_enough(probe, with_trials):
    falls = np.linspace(1.4, 0.9, 40)
    assert check(with_trials(probe, falls, sweep=HIGHER, moved=1e-4)) == []


def test_weights_that_move_are_enough(probe, with_trials):
    still = np.linspace(1.4, 1.399, 40)
    assert check(with_trials(probe, still, sweep=HIGHER, moved=0.5)) == []


def test_a_long_plan_moves_far_in_small_steps(probe_of, with_trials):
    long = probe_of(optimizer=keras.optimizers.Adam(1e-5), epochs=20_000)
    seen = with_trials(long, np.linspace(1.4, 1.39, 100), sweep=HIGHER, moved=1e-3)
    assert check(seen) == []


def test_the_rate_is_not_blamed_where_none_works(probe, with_trials):
    still = [1.4] * 40
    sweep = [(1e-5, 1.4), (1e-3, 1.4), (1e-2, np.inf)]
    assert check(with_trials(probe, still, sweep=sweep, moved=1e-4)) is None


def test_a_plan_in_which_no_weight_moves_at_all(probe, with_trials):
    still, sweep = [1.4] * 40, [(1e-5, 1.4), (1e-3, 1.4), (1e-2, 1.4)]
    give = {"sweep": sweep, "moved": 1e-5}
    (found,) = check(with_trials(probe, still, **give, overfit=[1.4, 0.9]))
    assert (found.label, found.severity) == ("lr_too_low", "warning")
    # where not even a single batch is learned, the cause lies elsewhere
    assert check(with_trials(probe, still, **give, overfit=[1.4, 1.39])) is None


def test_a_little_more_is_enough_where_it_is_far_more(probe, with_trials):
    """Plain networks begin with a plateau: a thousand times the rate moves a little."""
    still = np.linspace(1.4, 1.3999, 40)
    rates = [(1e-5, 1.3999), (1e-4, 1.3995), (1e-3, 1.395), (1e-2, 1.37)]
    give = {"sweep": rates, "moved": 0.002}
    (found,) = check(with_trials(probe, still, **give, overfit=[1.4, 0.5]))
    assert found.evidence["higher_rate"] == 0.01
    noise = {**give, "sweep": [(1e-4, 1.43), (1e-3, 1.36), (1e-2, 1.37)]}
    assert check(with_trials(probe, still, **noise, overfit=[1.4, 0.5])) is None
    falls = np.linspace(1.4, 1.397, 40)  # a tenth of it already
    assert check(with_trials(probe, falls, **give, overfit=[1.4, 0.5])) is None


def test_a_rate_of_zero(probe_of):
    never = keras.callbacks.LearningRateScheduler(lambda epoch: 0.0)
    (found,) = check(probe_of(callbacks=[never]))
    assert found.severity == "error"


@pytest.mark.parametrize(("rate", "labels"), [(0.001, ["lr_too_low"]), (1.0, [])])
def test_adadelta_of_keras_3_and_of_keras_2(rate, labels):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    y = np.arange(256) % 4
    x = (rng.normal(0, 1, (256, 8)) + y[:, None]).astype("float32") / 2
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adadelta(rate), "sparse_categorical_crossentropy")
    found = check(take_probe(model, (x, y), epochs=12, budget_seconds=10))
    assert [f.label for f in found or ()] == labels
