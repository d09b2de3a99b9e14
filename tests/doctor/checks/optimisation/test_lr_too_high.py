"""A rate is too high when a lower one learns and this one does not."""

import keras
import numpy as np
import pytest

from residency.doctor.checks.optimisation.lr_too_high import check
from residency.doctor.probe import take_probe

LOWER = [(0.01, 1.0), (0.001, 1.3)]


@pytest.fixture
def probe(probe_of):
    return probe_of(optimizer=keras.optimizers.SGD(0.1))


@pytest.mark.parametrize(
    ("losses", "severity"),
    [
        ([1.4, 9.0, float("nan")], "error"),
        (np.geomspace(1.4, 1e4, 60), "error"),
        (1.4 + np.abs(np.sin(np.arange(80))) * 2, "warning"),
        ([1.4, 30.0, 8.0, *[1.386] * 80], "warning"),
    ],
    ids=["nan", "explodes", "swings", "burst to chance"],
)
def test_finds_a_loss_that_a_lower_rate_brings_down(
    probe, with_trials, losses, severity
):
    (found,) = check(with_trials(probe, losses, sweep=LOWER))
    assert (found.label, found.severity) == ("lr_too_high", severity)
    assert found.evidence["lower_rate"] == 0.01


@pytest.mark.parametrize(
    "losses",
    [
        np.linspace(1.4, 0.2, 80),
        [1.4, *np.linspace(4.0, 0.9, 79)],
        [1.4] * 80,
        [1.4, *np.linspace(3.5, 2.0, 79)],
    ],
    ids=["falls", "first burst of a high rate", "stands still", "still coming down"],
)
def test_near_misses(probe, with_trials, losses):
    assert check(with_trials(probe, losses, sweep=LOWER)) == []


def test_few_steps_do_not_tell(probe, with_trials):
    assert check(with_trials(probe, [1.4, 2.5, 3.0], sweep=LOWER)) is None


def test_the_rate_is_not_blamed_where_none_works(probe, with_trials):
    sick = with_trials(probe, [1.4, float("inf")], sweep=[(0.01, np.inf), (1e-3, 9.0)])
    assert check(sick) is None


def test_beside_an_explosion_a_lower_rate_need_only_stay_calm(probe, with_trials):
    calm = [(0.01, 1.41), (0.001, 1.39)]
    (found,) = check(with_trials(probe, np.geomspace(1.4, 90, 60), sweep=calm))
    assert (found.severity, found.evidence["lower_rate"]) == ("error", 0.001)
    swings = 1.4 + np.abs(np.sin(np.arange(80))) * 2
    assert check(with_trials(probe, swings, sweep=calm)) is None


def test_inputs_of_a_large_scale_are_the_cause(probe_of, with_trials):
    rng = np.random.default_rng(0)
    pixels = rng.uniform(0, 255, (64, 8)).astype("float32"), np.arange(64) % 4
    probe = probe_of(data=pixels, optimizer=keras.optimizers.SGD(0.1))
    (found,) = check(with_trials(probe, [1.4, float("nan")], sweep=LOWER))
    assert found.severity == "advice"


def test_a_negative_rate(probe_of):
    (found,) = check(probe_of(optimizer=keras.optimizers.SGD(-0.1)))
    assert found.severity == "error"


@pytest.mark.parametrize("rate", [30.0, 0.05])
def test_on_a_real_network(rate):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    y = np.arange(128) % 4
    x = (rng.normal(0, 1, (128, 8)) + y[:, None]).astype("float32") / 2
    layers = [keras.layers.Dense(32, activation="relu") for _ in range(2)]
    model = keras.Sequential(
        [keras.Input((8,)), *layers, keras.layers.Dense(4, activation="softmax")]
    )
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
    found = check(take_probe(model, (x, y), epochs=20, budget_seconds=10))
    assert [f.label for f in found or ()] == (["lr_too_high"] if rate > 1 else [])


def test_finds_a_rate_that_learns_far_less_than_a_tenth_of_it(probe, with_trials):
    swings = 1.3 + 0.1 * np.sin(np.arange(80))
    sick = with_trials(probe, swings, gentler=np.linspace(1.4, 0.3, 80))
    (found,) = check(sick)
    assert (found.label, found.severity) == ("lr_too_high", "warning")
    assert found.evidence["lower_rate"] == pytest.approx(0.01)


@pytest.mark.parametrize(
    "gentler",
    [np.linspace(1.4, 1.1, 80), np.linspace(1.4, 0.3, 30), ()],
    ids=["no better", "cut short", "not run"],
)
def test_a_tenth_that_shows_nothing(probe, with_trials, gentler):
    assert check(with_trials(probe, [1.3] * 80, gentler=gentler)) == []


def test_an_lstm_at_a_thousand_times_the_usual_rate():
    rng = np.random.default_rng(0)
    y = np.arange(320) % 4
    words = rng.integers(0, 50, (320, 12)) + 50 * (rng.random((320, 12)) < 0.5) * (
        y[:, None] + 1
    )
    found = {}
    for rate in (1.0, 0.003):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.Input((12,)),
                keras.layers.Embedding(250, 16),
                keras.layers.LSTM(16),
                keras.layers.Dense(4, activation="softmax"),
            ]
        )
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
        found[rate] = check(
            take_probe(model, (words, y), epochs=12, budget_seconds=120)
        )
    assert [f.label for f in found[1.0]] == ["lr_too_high"]
    assert not found[0.003]
