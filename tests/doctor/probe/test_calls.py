import keras
import numpy as np
import pytest
from keras import layers

from residency.doctor.probe.calls import watched


@pytest.fixture
def model():
    return keras.Sequential([keras.Input((3,)), layers.Dense(4), layers.ReLU()])


def test_what_layers_take_and_give(model):
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    seen = []
    with watched(model.layers, lambda *call: seen.append(call)):
        result = model(x)
    (dense, given, gives), (relu, between, last) = seen
    assert [dense, relu] == model.layers
    np.testing.assert_array_equal(given, x)
    kernel, bias = (v.numpy() for v in model.layers[0].variables)
    np.testing.assert_allclose(gives, x @ kernel + bias, atol=1e-6)
    np.testing.assert_array_equal(between, gives)
    np.testing.assert_array_equal(last, keras.ops.convert_to_numpy(result))


def test_nothing_is_left_on_the_layers(model):
    before = [set(vars(layer)) for layer in model.layers]
    with pytest.raises(ZeroDivisionError), watched(model.layers, lambda *call: None):
        1 / 0  # noqa: B018
    assert [set(vars(layer)) for layer in model.layers] == before


def test_a_layer_called_twice_is_seen_twice():
    shared = layers.Dense(3)
    given = keras.Input((3,))
    model = keras.Model(given, shared(shared(given)))
    count = []
    with watched([shared, shared], lambda *call: count.append(call)):
        model(np.ones((2, 3), "float32"))
    assert len(count) == 2


def test_an_input_is_seen_as_it_was_before_a_call_in_place():
    class InPlace(keras.layers.Layer):
        def call(self, x):
            return x.relu_()

    model = keras.Sequential([keras.Input((3,)), InPlace()])
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    seen = []
    with watched(model.layers, lambda *call: seen.append(call)):
        model(x.copy())
    np.testing.assert_array_equal(seen[0][1], x)
    seen.clear()
    with watched(model.layers, lambda *call: seen.append(call), lambda layer: False):
        model(x.copy())
    assert seen[0][1] is None
