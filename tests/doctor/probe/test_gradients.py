import keras
import numpy as np
import pytest
from keras import layers

from residency.doctor.probe.gradients import measure_gradients
from residency.doctor.probe.stepper import Stepper


def test_gradients_are_those_of_the_closed_form():
    """Least squares: dL/dW = 2/(nk) xᵀ(xW - y), in float64."""
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(2, use_bias=False, name="only")]
    )
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
    x[:, 1] = 0
    w = model.layers[0].kernel.numpy().astype("float64")
    expected = 2 / 16 * x.T @ (x @ w - y)
    found = measure_gradients(Stepper(model), (x, y, None))
    (gradient,) = found.by_path.values()
    assert (gradient.layer, gradient.name) == ("only", "kernel")
    assert gradient.shape == (3, 2)
    assert gradient.rms == pytest.approx(np.sqrt((expected**2).mean()), rel=1e-5)
    assert gradient.weight_rms == pytest.approx(np.sqrt((w**2).mean()), rel=1e-5)
    assert gradient.zero_outputs.tolist() == [False, False]
    assert found.loss == pytest.approx(((x @ w - y) ** 2).mean(), rel=1e-5)
    assert (found.penalty, gradient.finite) == (0, True)


def test_the_penalty_is_part_of_the_loss():
    regularizer = keras.regularizers.L2(0.5)
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(2, kernel_regularizer=regularizer)]
    )
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3), "float32"), np.zeros((4, 2), "float32")
    kernel = model.layers[0].kernel.numpy().astype("float64")
    found = measure_gradients(Stepper(model), (x, y, None))
    assert found.penalty == pytest.approx(0.5 * (kernel**2).sum(), rel=1e-5)
    data = ((x @ kernel) ** 2).mean()
    assert found.loss == pytest.approx(data + found.penalty, rel=1e-5)


def test_weights_that_reach_nothing_have_none():
    given = keras.Input((4,))
    x = layers.Dense(6, name="half")(given)
    model = keras.Model(given, layers.Dense(1)(x[:, :3]))
    model.compile("sgd", "mse")
    x, y = np.ones((4, 4), "float32"), np.ones((4, 1), "float32")
    found = measure_gradients(Stepper(model), (x, y, None)).by_path
    kernel = next(g for g in found.values() if (g.layer, g.name) == ("half", "kernel"))
    assert kernel.zero_outputs.tolist() == [False] * 3 + [True] * 3


def test_a_frozen_layer_is_not_measured():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.Dense(1)])
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
    found = measure_gradients(Stepper(model), (x, y, None)).by_path
    assert {g.layer for g in found.values()} == {model.layers[1].name}


def test_channels_of_a_transposed_convolution_are_its_outputs():
    """Their kernels are `(height, width, outputs, inputs)`."""
    model = keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            layers.Conv2DTranspose(2, 3, use_bias=False),
            layers.GlobalAveragePooling2D(),
        ]
    )
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4, 4, 3)), rng.normal(size=(8, 2))
    x[..., 1] = 0
    found = measure_gradients(Stepper(model), (x, y, None))
    (gradient,) = found.by_path.values()
    assert gradient.zero_outputs.tolist() == [False, False]
