"""What the engine sees of a Keras model."""

import keras
import numpy as np
import pytest
import torch

from residency.engine.network import Network
from residency.errors import EngineError


def test_logits_are_those_before_the_softmax(network, batch):
    logits = network.logits(batch[0], training=False).detach()
    expected = network.model(batch[0].astype("float32"), training=False)
    assert np.allclose(logits.softmax(1).numpy(), expected.detach().numpy(), atol=1e-6)


def _dense_softmax(x):
    return keras.layers.Dense(3, activation="softmax")(x)


def _operation(x):
    return keras.ops.softmax(keras.layers.Dense(3)(x))


def _model_inside(x):
    inner = keras.Sequential(
        [keras.Input(x.shape[1:]), keras.layers.Dense(3), keras.layers.Softmax()]
    )
    return keras.Sequential([keras.Input(x.shape[1:]), inner])(x)


class Hidden(keras.layers.Layer):
    """A user's own layer with a softmax that nobody can take off."""

    def call(self, x):
        return keras.ops.softmax(x[:, :3])


def _hidden(x):
    return Hidden()(keras.layers.Dense(3)(x))


@pytest.mark.parametrize("end", [_dense_softmax, _operation, _model_inside, _hidden])
def test_any_final_softmax_is_taken_off_once(batch, end):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, end(keras.layers.Rescaling(0.01)(x)))
    logits = Network(model).logits(batch[0], training=False).detach()
    expected = model(batch[0].astype("float32")).detach().numpy()
    assert np.allclose(logits.softmax(1).numpy(), expected, atol=1e-5)


def test_a_confidently_wrong_dense_softmax_still_learns(batch):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    dense = keras.layers.Dense(2, activation="softmax")
    network = Network(keras.Model(inputs, dense(x)))
    dense.bias.assign([50.0, -50.0])
    dense.kernel.assign(np.zeros((3, 2)))
    logits = network.logits(batch[0], training=True)
    torch.nn.functional.cross_entropy(logits, torch.ones(6).long()).backward()
    assert float(dense.bias.value.grad.abs().max()) > 0.9


def test_logits_stay_logits(batch):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3)(x))
    logits = Network(model).logits(batch[0], training=False).detach()
    assert np.allclose(logits, model(batch[0].astype("float32")).detach())


def test_two_outputs_are_refused():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, [x, x])
    with pytest.raises(EngineError, match="one input and one output"):
        Network(model)


def _sigmoid_layer(x):
    return keras.layers.Activation("sigmoid")(keras.layers.Dense(1)(x))


def _dense_sigmoid(x):
    return keras.layers.Dense(1, activation="sigmoid")(x)


def _sigmoid_operation(x):
    return keras.ops.sigmoid(keras.layers.Dense(1)(x))


@pytest.mark.parametrize("end", [_sigmoid_layer, _dense_sigmoid, _sigmoid_operation])
def test_one_sigmoid_unit_is_two_classes(batch, end):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, end(keras.layers.Rescaling(0.01)(x)))
    network = Network(model)
    assert network.num_classes == 2
    found = network.logits(batch[0], training=False).softmax(1).detach().numpy()
    expected = model(batch[0].astype("float32")).detach().numpy()[:, 0]
    assert np.allclose(found[:, 1], expected, atol=1e-6)
    assert np.allclose(found.sum(axis=1), 1)


def test_one_linear_unit_is_a_logit():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(x))
    images = np.full((2, 8, 8, 3), 9, np.uint8)
    found = Network(model).logits(images, training=False).detach().numpy()
    assert np.allclose(found[:, 1:], model(images.astype("float32")).detach())


def test_one_output_that_may_be_either_is_refused():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, keras.layers.ReLU(name="cut")(keras.layers.Dense(1)(x)))
    with pytest.raises(EngineError, match="one output and ends in ReLU 'cut'"):
        Network(model)


def test_statistics_of_frozen_normalization_stand_still(network, batch):
    norm = network.model.get_layer("bn")
    statistics = [norm.moving_mean.value, norm.moving_variance.value]
    seed = network.model.get_layer("dropout").seed_generator.state.value
    assert [id(t) for t in network.moving()] == [id(t) for t in (*statistics, seed)]
    norm.trainable = False
    assert [id(t) for t in network.moving()] == [id(seed)]
    before = [t.clone() for t in statistics]
    network.logits(batch[0], training=True)
    assert all(torch.equal(a, b) for a, b in zip(statistics, before, strict=True))


def quantized(dense):
    dense.quantize("int8")


def adapted(dense):
    dense.enable_lora(2)
    dense.lora_kernel_b.assign(np.ones((2, dense.units)))


def regularized(dense):
    dense.activity_regularizer = keras.regularizers.L2(1.0)


@pytest.mark.parametrize(
    ("units", "activation"), [(3, "softmax"), (1, "sigmoid"), (1, "linear")]
)
@pytest.mark.parametrize("change", [quantized, adapted, regularized])
def test_a_special_last_layer_is_left_whole(batch, change, units, activation):
    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense(units, activation=activation)
    pooled = [keras.layers.GlobalAveragePooling2D(), keras.layers.Rescaling(0.01)]
    model = keras.Sequential([keras.Input((8, 8, 3)), *pooled, dense])
    change(dense)
    network = Network(model)
    logits = network.logits(batch[0], training=False).detach()
    penalty = network.penalty()
    expected = model(batch[0].astype("float32")).detach()
    if units == 1:
        expected = expected.sigmoid() if activation == "linear" else expected
        expected = torch.cat([1 - expected, expected], dim=1)
    torch.testing.assert_close(logits.softmax(1), expected, atol=1e-5, rtol=1e-5)
    [loss] = model.losses or [None]
    assert (penalty is None) == (loss is None) == (change is not regularized)
    assert penalty is None or torch.equal(penalty, loss)
    for _ in range(2):  # a second step, too
        network.logits(batch[0], training=True)[:, 0].sum().backward()
