"""The graph: shared layers, models in models, what stays with Keras, random graphs."""

from contextlib import nullcontext

import keras
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers

from residency.engine.lowering import lower

from .parity import assert_same, float64, scramble


def image(*after, shape=(9, 11, 6)):
    inputs = x = keras.Input(shape)
    for layer in after:
        x = layer(x)
    return keras.Model(inputs, x)


def test_layers_used_twice_and_models_inside_models():
    shared = layers.Conv2D(4, 3, padding="same")
    norm = layers.BatchNormalization()
    inner = image(shared, norm, layers.ReLU(), layers.Dense(4), shape=(8, 8, 4))
    inputs = keras.Input((8, 8, 4))
    outputs = inner(norm(shared(inner(inputs))))
    block = keras.Sequential([layers.Dense(3), layers.BatchNormalization()])
    assert_same(keras.Model(inputs, [outputs, block(outputs)]), (3, 8, 8, 4))


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_a_model_inside_that_is_given_its_inputs_by_name(order):
    first, second = (keras.Input((4,), name=name) for name in order)
    inner = keras.Model([first, second], layers.Subtract()([first, second]))
    inputs = [keras.Input((4,)), keras.Input((4,))]
    for names in ("ab", "ba"):
        outputs = inner(dict(zip(names, inputs, strict=True)))
        model = keras.Model(inputs, outputs)
        x = [torch.rand(2, 4), torch.rand(2, 4)]
        torch.testing.assert_close(lower(model)(x), model(x))


def test_a_model_inside_that_takes_a_dict():
    inner_inputs = {name: keras.Input((4,), name=name) for name in ("b", "a")}
    difference = layers.Subtract()([inner_inputs["b"], inner_inputs["a"]])
    inner = keras.Model(inner_inputs, {"y": difference, "x": inner_inputs["a"]})
    inputs = [keras.Input((4,)), keras.Input((4,))]
    found = inner({"a": inputs[0], "b": inputs[1]})
    assert_same(keras.Model(inputs, [found["x"], found["y"]]), [(2, 4), (2, 4)])


@pytest.mark.parametrize("stated", [True, False, None])
@pytest.mark.parametrize("asked", [True, False])
def test_the_training_flag_of_the_call_wins_over_that_of_the_graph(stated, asked):
    inner = image(layers.Conv2D(4, 3), layers.BatchNormalization(momentum=0.5))
    inputs = keras.Input((9, 11, 6))
    x = inner(inputs, training=stated)
    x = layers.BatchNormalization(momentum=0.5)(x, training=stated)
    model = keras.Model(inputs, layers.Dropout(0.5, seed=1)(x, training=stated))
    assert_same(model, (4, 9, 11, 6))  # compares with training off and on
    scramble(model)
    mean = inner.layers[-1].moving_mean.numpy().copy()
    lower(model)(torch.rand(4, 9, 11, 6), training=asked)
    assert (inner.layers[-1].moving_mean.numpy() != mean).any() == asked


class Doubled(layers.Layer):
    def call(self, x):
        return 2 * x


def test_a_layer_of_the_users_own_is_called_and_named():
    model = image(layers.Conv2D(3, 1), Doubled(name="mine"), layers.Dense(2))
    assert_same(model, (2, 9, 11, 6), kept=("mine",))


class Halved(layers.Conv2D):
    def call(self, x):
        return super().call(x) / 2


def test_a_subclass_of_a_known_layer_is_a_layer_of_the_users_own():
    assert_same(image(Halved(3, 1, name="mine")), (2, 9, 11, 6), kept=("mine",))


class Scaled(layers.Layer):
    """Scales by an argument that is no tensor, and by whether it trains."""

    def call(self, x, by=1.0, training=None):
        return x * by * (3 if training else 1)


def test_arguments_beside_the_tensors_reach_the_layer():
    inputs = keras.Input((4,))
    x = Scaled(name="mine")(inputs, by=0.5)
    assert_same(keras.Model(inputs, layers.Dense(2)(x)), (2, 4), kept=("mine",))


class Wrapped(layers.Layer):
    """Calls its layers without saying whether it trains: Keras passes that on."""

    def __init__(self, **options):
        super().__init__(**options)
        self.norm, self.scaled = layers.BatchNormalization(), Scaled()

    def build(self, shape):
        self.norm.build(shape)

    def call(self, x):
        return self.scaled(self.norm(x))


def test_layers_inside_a_layer_of_the_users_own_know_that_it_trains():
    assert_same(image(Wrapped(name="mine")), (4, 9, 11, 6), kept=("mine",))


def test_a_hook_on_a_layer_or_on_a_model_inside_runs():
    inner = image(layers.Dense(4))
    model = image(inner, layers.Dense(2))
    for hooked in (inner, model.layers[-1]):
        hooked.register_forward_hook(lambda module, given, found: found + 1)
    assert_same(model, (2, 9, 11, 6), kept=(inner.name, model.layers[-1].name))


class OwnCall(keras.Model):
    def __init__(self):
        super().__init__(name="mine")
        self.dense = layers.Dense(2)

    def call(self, x, training=None):
        return self.dense(x) + (1 if training else 0)


def test_a_model_that_is_no_graph_is_called_whole():
    model = OwnCall()
    x = torch.rand(3, 4)
    model(x)
    lowered = lower(model)
    assert lowered.kept == ("mine",)
    torch.testing.assert_close(lowered(x, training=True), model(x, training=True))


def test_a_model_with_masks_is_called_whole():
    inputs = keras.Input((5,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True)(inputs)
    x = layers.GlobalAveragePooling1D()(layers.Activation("relu")(x))
    model = keras.Model(inputs, x, name="mine")
    lowered = lower(model)
    assert lowered.kept == ("mine",)
    words = torch.tensor([[1, 2, 0, 0, 0], [3, 4, 5, 6, 0]])
    torch.testing.assert_close(lowered(words), model(words))


def frozen(channels):
    norm = layers.BatchNormalization()
    norm.trainable = False
    return norm


def two_outputs(channels):
    inputs = keras.Input((6, 6, 4))
    x = layers.Conv2D(channels, 1)(inputs)
    split = [
        layers.ReLU()(layers.BatchNormalization()(x)),
        layers.Activation("tanh")(x),
    ]
    inner = keras.Model(inputs, split)
    return lambda x: layers.Add()(inner(x))


def shrunk(channels):
    """Halves the image and grows it again."""
    return keras.Sequential(
        [layers.Conv2D(channels, 3, strides=2, padding="same"), layers.UpSampling2D(2)]
    )


def stated(training):
    """Says to a model inside whether it trains; the call of the model decides."""

    def build(channels):
        inner = keras.Sequential(
            [layers.BatchNormalization(momentum=0.5), layers.Dropout(0.2, seed=3)]
        )
        return lambda x: inner(x, training=training)

    return build


OPERATIONS = {
    "conv": lambda c: layers.Conv2D(c, 3, padding="same"),
    "pointwise": lambda c: layers.Conv2D(c, 1, use_bias=False),
    "dilated": lambda c: layers.Conv2D(c, 3, dilation_rate=2, padding="same"),
    "grouped": lambda c: layers.Conv2D(c, 3, groups=2, padding="same"),
    "depthwise": lambda c: layers.DepthwiseConv2D(3, padding="same"),
    "separable": lambda c: layers.SeparableConv2D(c, 3, padding="same"),
    "strides": shrunk,
    "norm": lambda c: layers.BatchNormalization(momentum=0.8),
    "frozen norm": frozen,
    "layer norm": lambda c: layers.LayerNormalization(),
    "relu": lambda c: layers.ReLU(),
    "silu": lambda c: layers.Activation("silu"),
    "dropout": lambda c: layers.SpatialDropout2D(0.3, seed=2),
    "dense": lambda c: layers.Dense(c, activation="relu"),
    "pad and crop": lambda c: keras.Sequential(
        [layers.ZeroPadding2D(1), layers.Conv2D(c, 3)]
    ),
    "pool": lambda c: layers.MaxPooling2D(3, strides=1, padding="same"),
    "inner model": two_outputs,
    "training inside": stated(True),
    "no training inside": stated(False),
}
JOINS = {
    "add": lambda: layers.Add(),
    "average": lambda: layers.Average(),
    "multiply": lambda: layers.Multiply(),
    "concatenate": lambda: lambda xs: layers.Conv2D(4, 1)(layers.Concatenate()(xs)),
    "operation": lambda: lambda xs: xs[0] - 0.5 * keras.ops.tanh(xs[1]),
}
DRAWN = st.lists(
    st.tuples(
        st.sampled_from([*OPERATIONS, *JOINS, "one shared layer"]),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=9,
)


def graph(drawn):
    """Returns a model of the operations drawn, each on one or two tensors before it."""
    inputs = keras.Input((6, 6, 4))
    shared = keras.Sequential([layers.BatchNormalization(), layers.Conv2D(4, 1)])
    tensors = [inputs]
    for name, first, second in drawn:
        a, b = tensors[first % len(tensors)], tensors[second % len(tensors)]
        if name in JOINS:
            tensors.append(JOINS[name]()([a, b]))
        else:
            layer = shared if name not in OPERATIONS else OPERATIONS[name](4)
            tensors.append(layer(a))
    return keras.Model(inputs, [tensors[-1], tensors[len(tensors) // 2]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(DRAWN)
def test_random_graphs_run_as_in_keras(dtype, drawn):
    exact = dtype == "float64"
    with float64() if exact else nullcontext():
        # float32: products of products grow, and rounding flips ReLUs
        close = (1e-9, 1e-7) if exact else (2e-3, 0.1)
        model = graph(drawn)
        assert_same(model, (4, 6, 6, 4), tolerance=close[0], gradients=close[1])
