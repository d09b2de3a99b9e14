"""Cures tried on networks whose fault is known, and on healthy ones."""

import copy
import json
import random
import time

import keras
import numpy as np
import pytest
import torch

from residency.doctor import Diagnosis, diagnose, try_cures
from residency.errors import ConfigError
from residency.records import Finding

CLASSES = 10


@pytest.fixture(scope="module")
def points():
    """Six hundred points around ten centres."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 1, (CLASSES, 20))
    y = rng.integers(0, CLASSES, 600)
    return (centres[y] + rng.normal(0, 1, (600, 20))).astype("float32"), y


def net(optimizer=None, *, from_logits=False, norm=False):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((20,)), keras.layers.Dense(32, activation="relu")]
    if norm:
        layers += [keras.layers.BatchNormalization(), keras.layers.Dropout(0.2)]
    model = keras.Sequential(
        [*layers, keras.layers.Dense(CLASSES, activation="softmax")]
    )
    model.compile(
        optimizer or keras.optimizers.Adam(0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits),
        metrics=["accuracy"],
    )
    return model


def accused(*labels, severity="warning", confidence=0.9, **evidence):
    found = tuple(
        Finding(
            code="RD999",
            label=label,
            severity=severity,
            title=f"It is {label}.",
            evidence=evidence,
            why="why",
            cure="cure",
            confidence=confidence,
        )
        for label in labels
    )
    return Diagnosis(
        findings=found, healthy=(), not_checked=(), subject="net", seconds=0.0
    )


class Sorted(keras.utils.PyDataset):
    """Batches in the order of the classes."""

    def __init__(self, x, y):
        super().__init__()
        order = np.argsort(y, kind="stable")
        self.x, self.y = x[order], y[order]

    def __len__(self):
        return 20

    def __getitem__(self, n):
        return self.x[30 * n : 30 * n + 30], self.y[30 * n : 30 * n + 30]


def bytes_scaled(points):
    x, y = points
    return (x - x.min()) / (x.max() - x.min()) * 255, y


@pytest.mark.parametrize(
    ("label", "model", "data"),
    [
        ("lr_too_high", lambda: net(keras.optimizers.SGD(100.0)), lambda p: p),
        ("lr_too_low", lambda: net(keras.optimizers.Adam(1e-6)), lambda p: p),
        ("input_not_normalised", net, bytes_scaled),
        (
            "double_softmax",
            lambda: net(keras.optimizers.SGD(0.1), from_logits=True),
            lambda p: p,
        ),
        ("data_not_shuffled", net, lambda p: Sorted(*p)),
        ("label_range", net, lambda p: (p[0], p[1] + 1)),
    ],
)
def test_the_cure_of_a_true_fault_helps(points, label, model, data):
    before = accused(label)
    found = try_cures(model(), data(points), before, budget_seconds=60)
    assert [t.verdict for t in found.trials] == ["helped"]
    assert found.findings == before.findings
    assert found.trials[0].treated[-1] < 0.8


def test_wrong_accusations_are_lowered_or_withdrawn(points):
    labels = (
        "lr_too_high",
        "lr_too_low",
        "input_not_normalised",
        "data_not_shuffled",
        "finetune_lr_too_high",
        "last_activation_wrong",
    )
    found = try_cures(net(), points, accused(*labels), budget_seconds=90)
    assert [t.verdict for t in found.trials if t.verdict == "helped"] == []
    assert {f.severity for f in found} == {"advice"}
    withdrawn = {t.label for t in found.trials if t.outcome == "withdrawn"}
    assert {"lr_too_high", "finetune_lr_too_high"} <= withdrawn
    assert withdrawn.isdisjoint(f.label for f in found)
    assert "withdrawn: It is lr_too_high." in str(found)


def test_facts_fall_a_step_less(points):
    facts = accused("data_not_shuffled", "lr_too_high", severity="error", confidence=1)
    found = try_cures(net(), points, facts, budget_seconds=60)
    assert {f.label: f.severity for f in found} == {
        "data_not_shuffled": "warning",
        "lr_too_high": "advice",
    }


def test_faults_that_hide_each_other_are_found_together(points):
    """At a rate of 10 and pixels of 0..255, neither cure helps alone."""
    model = net(keras.optimizers.SGD(10.0))
    found = try_cures(
        model,
        bytes_scaled(points),
        accused("lr_too_high", "input_not_normalised", lower_rate=0.1),
        budget_seconds=60,
    )
    assert [t.verdict for t in found.trials] == ["helped", "helped"]
    assert any("on top of" in t.treatment for t in found.trials)


def test_a_training_that_raises_is_mended_first(points):
    """Labels from 1 raise, and hide that pixels of 0..255 are a fault too."""
    x, y = bytes_scaled(points)
    both = accused("label_range", "input_not_normalised")
    found = try_cures(net(), (x, y + 1), both, budget_seconds=60)
    assert [t.verdict for t in found.trials] == ["helped", "helped"]
    assert "on top of classes numbered 0..9" in found.trials[1].treatment


def test_what_cannot_be_tried_says_why(points):
    x, y = points
    both = accused("stem_too_coarse", "dropout_too_high")
    found = try_cures(net(), points, both, budget_seconds=10)
    assert found.findings == both.findings
    assert [t.verdict for t in found.trials] == ["not tried", "not tried"]
    assert all(t.summary for t in found.trials)
    one = accused("lr_too_high")
    for model, data, why in (
        (net(), (x[:3], y[:3]), "Too few samples"),
        (keras.Sequential([keras.Input((20,)), keras.layers.Dense(3)]), points, "comp"),
        (net(), (x[:, :7], y), "raises ValueError"),
    ):
        trial = try_cures(model, data, one, budget_seconds=5).trials[0]
        assert (trial.verdict, trial.outcome) == ("not tried", "as it was")
        assert why in trial.summary


def test_nothing_of_the_user_is_changed(points):
    model = net(norm=True)
    model.layers[0].bias.trainable = False
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*points, epochs=1, verbose=0)
    state = lambda: [  # noqa: E731
        np.array(keras.ops.convert_to_numpy(v))
        for v in (
            *model.variables,
            *model.optimizer.variables,
            *model.metrics_variables,
        )
    ]
    plain = lambda: (  # noqa: E731
        [x.get_config() for x in model.layers],
        [v.trainable for v in model.variables],
        [v.regularizer for v in model.trainable_variables],
        model.optimizer.get_config(),
    )
    before, settings = state(), copy.deepcopy(plain())
    states = (random.getstate(), np.random.get_state(), torch.get_rng_state())
    labels = (
        "lr_too_high",
        "last_activation_wrong",
        "finetune_lr_too_high",
        "data_not_shuffled",
        "bn_stats_not_converged",
        "logits_as_probabilities",
    )
    found = try_cures(model, points, accused(*labels, steps=20), budget_seconds=60)
    assert all(t.verdict != "not tried" for t in found.trials)
    for value, now in zip(before, state(), strict=True):
        np.testing.assert_array_equal(value, now)
    assert plain() == settings
    assert random.getstate() == states[0]
    assert all(map(np.array_equal, np.random.get_state(), states[1]))
    assert torch.equal(torch.get_rng_state(), states[2])


class Slow(keras.layers.Layer):
    """Takes a twentieth of a second."""

    def call(self, x):
        time.sleep(0.05)
        return x


def test_the_budget_is_kept(points):
    model = keras.Sequential(
        [keras.Input((20,)), Slow(), keras.layers.Dense(CLASSES, activation="softmax")]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    begin = time.monotonic()
    labels = ("lr_too_low", "lr_too_high", "data_not_shuffled", "last_activation_wrong")
    found = try_cures(model, points, accused(*labels), budget_seconds=8)
    assert time.monotonic() - begin < 12
    assert found.trials[-1].verdict == "not tried"
    assert "budget" in found.trials[-1].summary


def test_advice_is_not_tried(points):
    quiet = accused("lr_too_high", severity="advice")
    assert try_cures(net(), points, quiet) == quiet


def test_a_budget_is_positive(points):
    with pytest.raises(ConfigError, match="budget_seconds"):
        try_cures(net(), points, accused("lr_too_high"), budget_seconds=0)


def test_a_real_diagnosis_is_tried_and_written(points, tmp_path):
    model = net()
    found = try_cures(
        model, points, diagnose(model, points, budget_seconds=3), budget_seconds=3
    )
    assert json.loads(found.to_json())["trials"] == []
    tried = try_cures(net(keras.optimizers.SGD(100.0)), points, accused("lr_too_high"))
    trial = json.loads(tried.to_json())["trials"][0]
    assert len(trial["untreated"]) == len(trial["treated"]) == 7
    page = tried.to_html(tmp_path / "page.html")
    assert page.count("<polyline") == 2
    assert "tried: a rate of 1: helped, confirmed" in str(tried)
