"""The probe as a whole: it changes nothing, and says what the model raised."""

import random

import keras
import numpy as np
import pytest

from residency.doctor.probe import take_probe
from residency.doctor.probe.probe import said
from residency.errors import DataError


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(64, 8, 8, 3)).astype("float32"), np.arange(64) % 4


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Dropout(0.2),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def state_of(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]


def test_nothing_is_changed(model, data):
    model.fit(*data, epochs=1, verbose=0)
    before, python, numpy = state_of(model), random.getstate(), np.random.get_state()
    take_probe(model, data, data, epochs=5, budget_seconds=5)
    for a, b in zip(before, state_of(model), strict=True):
        np.testing.assert_array_equal(a, b)
    assert random.getstate() == python
    assert all(map(np.array_equal, np.random.get_state(), numpy))


def test_training_goes_on_as_if_nobody_had_looked(model, data):
    model.fit(*data, epochs=1, verbose=0, shuffle=False)
    looked = keras.models.clone_model(model)
    looked.set_weights(model.get_weights())
    looked.compile("sgd", "sparse_categorical_crossentropy")
    model.compile("sgd", "sparse_categorical_crossentropy")
    take_probe(looked, data, epochs=5, budget_seconds=3)
    losses = []
    for each in (model, looked):
        keras.utils.set_random_seed(1)
        for layer in each.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0
        losses.append(each.fit(*data, epochs=1, verbose=0, shuffle=False).history)
    assert losses[0]["loss"] == pytest.approx(losses[1]["loss"], rel=1e-5)


def test_all_parts_are_there(model, data):
    probe = take_probe(model, data, data, epochs=5, budget_seconds=5)
    assert probe.raised == {}
    assert probe.forward.scores.shape == (32, 4)
    assert probe.gradients.loss == pytest.approx(np.log(4), rel=0.5)
    assert probe.trials.as_set.losses[0] > 0
    assert probe.settings.total_steps == 10
    assert probe.validation.size == 64


def test_what_the_model_raises_is_told(model, data):
    x, y = data
    probe = take_probe(model, (x, y + 10), budget_seconds=2)
    assert "gradients" in probe.raised
    assert probe.trials is None
    assert probe.forward is not None


def test_a_model_that_is_not_compiled_is_tried_on_one_batch(model, data):
    plain = keras.Model(model.inputs[0], model.outputs[0])
    probe = take_probe(plain, data, budget_seconds=3)
    assert probe.settings.optimizer is None
    assert probe.trials.as_set is None
    assert probe.trials.overfit.losses


def test_without_trials(model, data):
    assert take_probe(model, data, trials=False).trials is None


@pytest.mark.parametrize("labels", [(), (None,)])
def test_a_loss_of_keras_needs_labels(model, data, labels):
    with pytest.raises(DataError, match="sparse_categorical_crossentropy"):
        take_probe(model, (data[0], *labels), trials=False)


def test_a_step_of_the_users_own_may_need_none(data):
    class Own(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, **kwargs):
            return keras.ops.mean(keras.ops.square(y_pred))

    inputs = keras.Input((8, 8, 3))
    model = Own(inputs, keras.layers.Dense(3)(inputs))
    model.compile("adam", "mse")
    assert take_probe(model, (data[0],), trials=False).forward is not None


def test_data_without_a_batch(model):
    with pytest.raises(DataError, match="no batch"):
        take_probe(model, iter(()), trials=False)


def test_of_an_error_the_line_that_says_what_is_wrong():
    """As Keras 3 writes them on torch: headed, bold, with the values of a tensor."""
    text = (
        "Exception encountered when calling Functional.call().\n\n\x1b[1mInvalid "
        "input shape for input tensor([[[0.5, 0.9],\n [0.1, 0.2]]]) of 'x'.\x1b[0m\n"
        "\nArguments received by Functional.call():"
    )
    expected = "Invalid input shape for input tensor(...) of 'x'."
    assert said(ValueError(text)) == expected
    assert said(ValueError("short")) == "short"
    assert said(ValueError()) == ""
    long = said(ValueError("word " * 200))
    assert long.endswith("word ...")
    assert len(long) <= 300
