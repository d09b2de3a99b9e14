import keras
import pytest
from keras import layers

from residency.doctor.checks.model.redundant_activation import find


def dense(units=8, activation=None):
    return layers.Dense(units, activation=activation)


@pytest.mark.parametrize(
    "model",
    [
        [dense(3, "relu"), layers.Softmax()],
        [dense(8, "relu"), dense(3, "softmax"), layers.Activation("softmax")],
        [dense(8, "tanh"), layers.ReLU(), dense(3, "softmax")],
        [dense(8, "softmax"), layers.Dropout(0.1), dense(3, "softmax")],
    ],
    ids=["relu-softmax", "softmax twice", "tanh-relu", "softmax inside"],
)
def test_activations_on_activations(probe_of, table, model):
    assert [f.severity for f in find(probe_of(model, table()))] == ["warning"]


def test_relu_of_class_maps_before_softmax(probe_of, images):
    model = [layers.Conv2D(4, 1, activation="relu"), layers.GlobalAveragePooling2D()]
    assert len(find(probe_of([*model, layers.Softmax()], images()))) == 1


def test_a_rectifier_twice_is_advice(probe_of, table):
    model = [dense(8, "relu"), layers.ReLU(), dense(3, "softmax")]
    assert [f.severity for f in find(probe_of(model, table()))] == ["advice"]


def test_weights_or_merges_between_are_right(probe_of, table):
    given = keras.Input((8,))
    gate = dense(8, "softmax")(given)
    x = layers.Multiply()([gate, dense(8, "relu")(given)])
    x = layers.ReLU()(layers.Add()([x, dense(8, "relu")(x)]))
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Activation("linear")(dense(3)(x))
    model = keras.Model(given, layers.Softmax()(x))
    assert find(probe_of(model, table())) == []
