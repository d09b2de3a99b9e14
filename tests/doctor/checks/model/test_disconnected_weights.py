import keras
import numpy as np
import pytest
from keras import layers

from residency.doctor.checks.model.disconnected_weights import find


def head(x):
    x = layers.GlobalAveragePooling2D()(x)
    return layers.Dense(4, activation="softmax")(x)


def test_channels_that_no_slice_reads(probe_of, images):
    given = keras.Input((16, 16, 3))
    x = layers.Conv2D(16, 3)(given)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    parts = [layers.Conv2D(4, 3)(x[..., 12:]) for _ in range(4)]
    model = keras.Model(given, head(layers.Concatenate()(parts)))
    (found,) = find(probe_of(model, images()))
    assert found.severity == "warning"
    assert found.evidence["channels_without_gradient"] == 12


def test_a_gradient_that_is_stopped(probe_of, images):
    given = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, activation="relu")(given)
    stop = layers.Lambda(keras.ops.stop_gradient)
    x = layers.Concatenate()(
        [layers.Conv2D(8, 3)(stop(x)), layers.Conv2D(8, 3)(given)[:, 1:-1, 1:-1]]
    )
    (found,) = find(probe_of(keras.Model(given, head(x)), images()))
    assert found.evidence["channels_without_gradient"] == 8


def residual(gamma):
    given = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(given)
    y = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    y = layers.Conv2D(8, 3, padding="same", use_bias=False)(y)
    y = layers.BatchNormalization(gamma_initializer=gamma)(y)
    return keras.Model(given, head(layers.ReLU()(layers.Add()([x, y]))))


@pytest.mark.parametrize("gamma", ["ones", "zeros"])
def test_residual_branches_may_start_at_zero(probe_of, images, gamma):
    assert find(probe_of(residual(gamma), images())) == []


def test_dead_channels_have_a_reason(probe_of, images):
    given = keras.Input((16, 16, 3))
    first = layers.Conv2D(8, 3)
    x = layers.ReLU()(first(given))
    model = keras.Model(given, head(layers.Conv2D(8, 3)(x)))
    first.bias.assign([-50.0] * 4 + [0.1] * 4)
    assert find(probe_of(model, images())) == []


@pytest.mark.parametrize("end", ["softmax", None])
def test_scores_of_all_or_nothing_give_no_gradient_back(probe_of, images, end):
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(4, activation=end),
        ]
    )
    x, y = images()
    x = 1000 * np.random.default_rng(0).normal(size=x.shape).astype("float32")
    y = model.predict(x, verbose=0).argmax(axis=-1).reshape(y.shape)
    y[:1] = (y[:1] + 1) % 4
    assert not find(probe_of(model, (x, y)))


def test_zero_last_layers_pixels_that_are_always_zero_and_depthwise(probe_of, images):
    x, y = images()
    x[:, :4] = 0
    model = [layers.DepthwiseConv2D(3, activation="relu"), layers.Flatten()]
    model += [layers.Dense(16, activation="relu")]
    zero = layers.Dense(4, activation="softmax", kernel_initializer="zeros")
    assert find(probe_of([*model, zero], (x, y))) == []


def sequence(end):
    given = keras.Input((12, 3))
    x = layers.LSTM(8, return_sequences=True)(given)
    return keras.Model(given, layers.Dense(4, activation="softmax")(end(x)))


def test_a_sequence_of_which_only_the_first_step_is_read(probe_of):
    rng = np.random.default_rng(0)
    data = rng.normal(size=(32, 12, 3)).astype("float32"), np.arange(32) % 4
    (found,) = find(probe_of(sequence(lambda x: x[:, 0]), data))
    assert "recurrent" in found.title
    assert find(probe_of(sequence(lambda x: x[:, -1]), data)) == []


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_units_at_their_ends_give_no_gradient_back(probe_of, activation):
    rng = np.random.default_rng(0)
    x = rng.normal(1000, 300, (32, 6)).astype("float32")
    hidden = layers.Dense(16, activation=activation)
    model = [hidden, layers.Dense(8), layers.Dense(4, activation="softmax")]
    assert find(probe_of(model, (x, np.arange(32) % 4))) == []
