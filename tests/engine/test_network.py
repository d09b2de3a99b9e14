"""What the engine sees of a Keras model."""

import keras
import numpy as np
import pytest

from residency.engine.network import Network
from residency.errors import EngineError


def test_logits_are_those_before_the_softmax(network, batch):
    logits = network.logits(batch[0], training=False).detach()
    expected = network.model(batch[0].astype("float32"), training=False)
    assert np.allclose(logits.softmax(1).numpy(), expected.detach().numpy(), atol=1e-6)


def test_a_softmax_inside_a_dense_layer_gives_log_probabilities(batch):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
    logits = Network(model).logits(batch[0], training=False).detach()
    expected = model(batch[0].astype("float32")).detach().numpy()
    assert np.allclose(logits.exp().numpy(), expected, atol=1e-6)


def test_two_outputs_are_refused():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, [x, x])
    with pytest.raises(EngineError, match="one input and one output"):
        Network(model)
