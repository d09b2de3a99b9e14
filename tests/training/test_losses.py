"""Label smoothing against Keras."""

import keras
import numpy as np
import pytest

from residency.errors import ConfigError
from residency.training import CrossEntropy, Distillation


def test_targets_are_keras_smoothed_targets():
    labels = np.array([0, 2, 1])
    logits = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    targets = CrossEntropy(label_smoothing=0.1).targets(labels, 4)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    ours = -(targets * logs).sum(axis=1).mean()
    keras_loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=0.1
    )
    assert float(keras_loss(np.eye(4)[labels], logits)) == pytest.approx(ours, rel=1e-6)
    assert targets.sum(axis=1) == pytest.approx(1)


def test_all_smoothed_away_is_refused():
    with pytest.raises(ConfigError, match=r"\[0, 1\)"):
        CrossEntropy(label_smoothing=1.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0.0}, "temperature: expected a finite number greater than 0"),
        ({"weight": 1.1}, "weight: expected a number in"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
    ],
)
def test_a_distillation_that_does_not_fit(settings, message):
    with pytest.raises(ConfigError, match=message):
        Distillation(teacher="runs/big", **settings)
