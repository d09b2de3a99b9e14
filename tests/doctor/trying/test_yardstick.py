"""One measure for both, against Keras' losses and closed forms."""

import keras
import numpy as np
import pytest

from residency.doctor.trying.yardstick import WORST, Yardstick, yardstick_for

ROWS = 60


def model_of(units, activation=None, norm=False):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((4,))]
    if norm:
        layers.append(keras.layers.BatchNormalization())
    return keras.Sequential([*layers, keras.layers.Dense(units, activation=activation)])


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(3, 2, (ROWS, 4)).astype("float32")


@pytest.mark.parametrize("activation", ["softmax", None])
@pytest.mark.parametrize("one_hot", [True, False])
def test_crossentropy_is_that_of_keras_in_errors_of_a_guess(x, activation, one_hot):
    y = np.arange(ROWS) % 3
    model = model_of(3, activation)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=activation is None)
    loss = float(loss(y, model(x)).detach())
    labels = np.eye(3)[y] if one_hot else y
    read = Yardstick(of_classes=True).measure(model, (x, labels, None))
    assert read.error == pytest.approx(min(loss / np.log(3), WORST), rel=1e-4)
    right = np.asarray(model(x).detach()).argmax(axis=1) == y
    assert read.accuracy == pytest.approx(right.mean())


def test_the_error_of_the_mean_is_1(x):
    y = x.sum(axis=1, keepdims=True)
    model = model_of(1)
    model.layers[-1].set_weights([np.zeros((4, 1)), np.array([y.mean()])])
    read = Yardstick(of_classes=False).measure(model, (x, y, None))
    assert read.error == pytest.approx(1, rel=1e-5)
    assert read.accuracy is None


def test_batch_normalisation_is_measured_by_the_rows_and_left_as_it_was(x):
    """A model with first statistics reads as one whose statistics are those of `x`."""
    y = np.arange(ROWS) % 3
    fresh, settled = model_of(3, norm=True), model_of(3, norm=True)
    settled.layers[0].set_weights(
        [np.ones(4), np.zeros(4), x.mean(axis=0), x.var(axis=0)]
    )
    moving = Yardstick(of_classes=True, by_moving_statistics=True)
    own = Yardstick(of_classes=True)
    expected = moving.measure(settled, (x, y, None))
    assert own.measure(fresh, (x, y, None)).error == pytest.approx(
        expected.error, rel=1e-4
    )
    assert moving.measure(fresh, (x, y, None)).error != pytest.approx(
        expected.error, rel=1e-2
    )
    assert fresh.layers[0].momentum == 0.99
    np.testing.assert_array_equal(fresh.layers[0].moving_mean.numpy(), 0)


def test_outputs_that_are_no_numbers_are_the_worst(x):
    model = model_of(3)
    model.layers[-1].set_weights([np.full((4, 3), np.nan), np.zeros(3)])
    read = Yardstick(of_classes=True).measure(model, (x, np.arange(ROWS) % 3, None))
    assert (read.error, read.accuracy) == (WORST, None)


@pytest.mark.parametrize(
    ("y", "width", "of_classes"),
    [
        (np.arange(60) % 3, 3, True),
        (np.arange(60) % 2, 1, True),
        (np.arange(60) % 9, 1, False),
        (np.linspace(0, 1, 60), 1, False),
    ],
)
def test_what_is_measured(y, width, of_classes):
    assert yardstick_for(y, np.zeros((60, width))) == Yardstick(of_classes)


def test_maps_and_texts_are_not_measured():
    assert yardstick_for(np.arange(60) % 2, np.zeros((60, 8, 8, 2))) is None
    assert yardstick_for(np.array(["a", "b"] * 30), np.zeros((60, 2))) is None
    assert yardstick_for(None, np.zeros((60, 2))) is None
