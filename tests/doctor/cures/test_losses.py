"""Cures of losses and last activations."""

import keras
import numpy as np
import pytest

from residency.doctor.cures import losses

X, Y = np.zeros((12, 4), "float32"), np.arange(12) % 3


def test_scores_and_probabilities(dense, case_of, suspect):
    case = case_of(dense(), X, Y)
    assert losses.scores(suspect("logits_as_probabilities"), case).loss.from_logits
    cure = losses.probabilities(suspect("double_softmax"), case)
    assert not cure.loss.from_logits


@pytest.mark.parametrize(
    ("units", "loss", "name"),
    [
        (1, keras.losses.BinaryCrossentropy(), "sigmoid"),
        (1, keras.losses.BinaryCrossentropy(from_logits=True), "linear"),
        (3, keras.losses.SparseCategoricalCrossentropy(), "softmax"),
    ],
)
def test_the_last_activation_fits_and_is_given_back(
    dense, case_of, suspect, units, loss, name
):
    model = dense(loss, units, "tanh")
    y = Y if units == 3 else Y % 2
    cure = losses.fitting_activation(
        suspect("last_activation_wrong"), case_of(model, X, y)
    )
    before = model.layers[-1].activation
    with cure.on_model(model):
        assert model.layers[-1].activation is keras.activations.get(name)
    assert model.layers[-1].activation is before


def test_there_is_no_crossentropy_for_numbers(dense, case_of, suspect):
    case = case_of(dense(units=1), X, np.random.default_rng(0).random(12))
    assert losses.for_the_task(suspect("loss_task_mismatch"), case) is None
