"""The lowered module against the Keras model: the same numbers on the same weights."""

import keras
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers

from residency import models
from residency.engine.lowering import lower
from residency.errors import EngineError


def image(*after, shape=(9, 11, 6)):
    inputs = x = keras.Input(shape)
    for layer in after:
        x = layer(x)
    return keras.Model(inputs, x)


LAYERS = [
    layers.Conv2D(4, 3),
    layers.Conv2D(4, (3, 2), strides=(2, 1), padding="same", activation="relu"),
    layers.Conv2D(4, 2, dilation_rate=2, padding="same", use_bias=False),
    layers.Conv2D(6, 3, groups=3, padding="same"),
    layers.Conv2DTranspose(4, 3, strides=2, padding="same"),
    layers.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding="same"),
    layers.SeparableConv2D(5, 3, strides=2, padding="same", depth_multiplier=2),
    layers.Conv1D(3, 2),
    layers.BatchNormalization(momentum=0.7, epsilon=0.01),
    layers.BatchNormalization(center=False, scale=False),
    layers.BatchNormalization(axis=2),
    layers.LayerNormalization(),
    layers.GroupNormalization(groups=3),
    layers.UnitNormalization(),
    layers.Dense(5, activation="tanh"),
    layers.MaxPooling2D(3, strides=2, padding="same"),
    layers.MaxPooling2D(2),
    layers.AveragePooling2D(2, padding="same"),
    layers.AveragePooling2D(1, strides=2),
    layers.GlobalAveragePooling2D(),
    layers.GlobalMaxPooling2D(keepdims=True),
    layers.ZeroPadding2D(((1, 2), (0, 3))),
    layers.Cropping2D(((1, 2), (0, 3))),
    layers.UpSampling2D(2),
    layers.Flatten(),
    layers.Reshape((11, 9, 6)),
    layers.Permute((3, 1, 2)),
    layers.Dropout(0.5),
    layers.SpatialDropout2D(0.5),
    layers.GaussianNoise(0.1),
    layers.Rescaling(1 / 127.5, offset=-1),
    layers.Normalization(mean=[1.0] * 6, variance=[4.0] * 6),
    layers.PReLU(),
    layers.LeakyReLU(0.3),
    layers.ReLU(max_value=6, negative_slope=0.1),
    layers.Activation("silu"),
    layers.Softmax(),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda x: type(x).__name__)
def test_a_layer_runs_as_in_keras(layer):
    layer = type(layer).from_config(layer.get_config())
    narrow = isinstance(layer, layers.Conv1D)
    shape = (9, 6) if narrow else (9, 11, 6)
    assert_same(image(layer, shape=shape), (4, *shape))


ACTIVATIONS = [
    "celu", "elu", "exponential", "gelu", "glu", "hard_sigmoid", "hard_silu",
    "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6",
    "selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "swish", "tanh",
]  # fmt: skip


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_activation_runs_as_in_keras(activation):
    model = image(layers.Conv2D(4, 1), layers.Activation(activation))
    assert_same(model, (2, 9, 11, 6))


@pytest.mark.parametrize(
    "name", ["cifar_resnet20", "resnet18", "resnet50"], ids=lambda n: n
)
def test_a_network_of_ours_runs_as_in_keras(name):
    size = 32 if "cifar" in name else 64
    model = models.build(name, num_classes=7, image_size=size)
    # float32 with Keras' variance, E[x2] - E[x]2: its rounding flips ReLUs
    assert_same(without_softmax(model), (4, size, size, 3), gradients=0.1, largest=255)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["MobileNetV2", "DenseNet121", "EfficientNetV2B0", "ResNet50V2", "VGG16"]
)
def test_a_network_of_keras_runs_as_in_keras(name):
    build = getattr(keras.applications, name)
    model = build(weights=None, input_shape=(64, 64, 3), classes=5)
    assert_same(
        without_softmax(model),
        (4, 64, 64, 3),
        tolerance=1e-3,
        gradients=0.2,
        largest=255,
    )


def residual(x, filters, norm=layers.BatchNormalization):
    y = layers.ZeroPadding2D(1)(x)
    y = layers.Conv2D(filters, 3, use_bias=False)(y)
    y = layers.ReLU()(norm()(y))
    y = norm()(layers.Conv2D(filters, 1)(y))
    return layers.Activation("relu")(layers.Add()([x, y]))


def test_neighbours_are_joined_and_the_numbers_stay():
    inputs = keras.Input((8, 8, 4))
    model = keras.Model(inputs, residual(inputs, 4))
    assert_same(model, (3, 8, 8, 4))
    assert len(lower(model).calls) == 2  # two convolutions with all that follows


def test_what_is_joined_already_is_not_joined_again():
    inputs = keras.Input((8, 8, 4))
    one = layers.ReLU()(layers.BatchNormalization()(inputs))
    for other in (inputs, layers.BatchNormalization()(inputs)):
        for pair in ([one, other], [other, one]):
            outputs = layers.ReLU()(layers.Add()(pair))
            assert_same(keras.Model(inputs, outputs), (3, 8, 8, 4))


def test_a_tensor_that_others_read_is_not_joined_away():
    inputs = keras.Input((8, 8, 4))
    padded = layers.ZeroPadding2D(1)(inputs)
    conv = layers.Conv2D(4, 3)(padded)
    norm = layers.BatchNormalization()(conv)
    relu = layers.ReLU()(norm)
    assert_same(keras.Model(inputs, [padded, conv, norm, relu]), (3, 8, 8, 4))


def test_layers_used_twice_and_models_inside_models():
    shared = layers.Conv2D(4, 3, padding="same")
    norm = layers.BatchNormalization()
    inner_inputs = keras.Input((8, 8, 4))
    inner = keras.Model(inner_inputs, residual(norm(shared(inner_inputs)), 4))
    inputs = keras.Input((8, 8, 4))
    outputs = inner(norm(shared(inner(inputs))))
    block = keras.Sequential([layers.Dense(3), layers.BatchNormalization()])
    assert_same(keras.Model(inputs, [outputs, block(outputs)]), (3, 8, 8, 4))


def test_frozen_normalization_keeps_its_statistics():
    inputs = keras.Input((8, 8, 4))
    model = keras.Model(inputs, residual(inputs, 4))
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False
    assert_same(model, (3, 8, 8, 4))
    norm = next(x for x in model.layers if isinstance(x, layers.BatchNormalization))
    before = norm.moving_mean.numpy().copy()
    lower(model)(torch.rand(3, 8, 8, 4), training=True)
    np.testing.assert_array_equal(norm.moving_mean.numpy(), before)


def test_channels_first():
    inputs = x = keras.Input((3, 12, 12))
    for strides in (1, 2):
        x = layers.Conv2D(
            4, 3, strides=strides, padding="same", data_format="channels_first"
        )(x)
        x = layers.BatchNormalization(axis=1)(x)
        x = layers.ReLU()(x)
    x = layers.MaxPooling2D(2, data_format="channels_first")(x)
    assert_same(keras.Model(inputs, layers.Flatten()(x)), (3, 3, 12, 12))


def test_any_image_size():
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same")(inputs)
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(x))
    for size in (7, 8):
        assert_same(model, (2, size, size + 3, 3))


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


def test_an_unbuilt_model_is_refused():
    with pytest.raises(EngineError, match="not built"):
        lower(keras.Sequential([layers.Dense(2)]))


def test_training_the_module_trains_the_model_and_a_saved_file_holds_it(tmp_path):
    model = image(layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Flatten())
    lowered = lower(model).train()
    x = torch.rand(4, 9, 11, 6)
    optimizer = torch.optim.SGD([v.value for v in model.trainable_variables], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        lowered(x).square().mean().backward()
        optimizer.step()
    found = lowered.eval()(x).detach()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    torch.testing.assert_close(again(x, training=False), found, rtol=1e-5, atol=1e-5)


def test_assigned_weights_are_used_at_once_in_folded_inference_too():
    model = image(layers.Conv2D(4, 3), layers.BatchNormalization())
    lowered = lower(model)
    x = torch.rand(2, 9, 11, 6)
    for seed in (1, 2):
        scramble(model, seed)
        with torch.inference_mode():
            torch.testing.assert_close(
                lowered(x), model(x, training=False), rtol=1e-4, atol=1e-4
            )


def test_regularizers_of_activity_are_collected_as_keras_does():
    model = image(layers.Conv2D(4, 3, activity_regularizer="l2"))
    x = torch.rand(2, 9, 11, 6)
    model(x)
    expected = float(model.losses[0].detach())
    lower(model)(x, training=True)
    assert [float(loss.detach()) for loss in model.losses] == pytest.approx([expected])


def test_float64_agrees_to_the_last_digits():
    keras.config.set_floatx("float64")
    try:
        inputs = keras.Input((8, 8, 4))
        x = layers.Conv2D(4, 3, strides=2, padding="same")(inputs)
        x = layers.SeparableConv2D(4, 3, activation="relu")(x)
        # no Dense, no BatchNormalization: Keras computes those in float32 even here
        model = keras.Model(inputs, layers.Flatten()(x))
        scramble(model)
        x = torch.rand(3, 8, 8, 4, dtype=torch.float64)
        found, expected = lower(model)(x), model(x)
    finally:
        keras.config.set_floatx("float32")
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_mixed_precision_follows_the_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = image(layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU())
    finally:
        keras.config.set_dtype_policy("float32")
    assert_same(model, (2, 9, 11, 6), tolerance=2e-2, gradients=0.1)


OPERATIONS = {
    "conv": lambda c: layers.Conv2D(c, 3, padding="same"),
    "pointwise": lambda c: layers.Conv2D(c, 1, use_bias=False),
    "depthwise": lambda c: layers.DepthwiseConv2D(3, padding="same"),
    "norm": lambda c: layers.BatchNormalization(momentum=0.8),
    "relu": lambda c: layers.ReLU(),
    "silu": lambda c: layers.Activation("silu"),
    "pad and crop": lambda c: keras.Sequential(
        [layers.ZeroPadding2D(1), layers.Conv2D(c, 3)]
    ),
    "pool": lambda c: layers.MaxPooling2D(3, strides=1, padding="same"),
}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*OPERATIONS, "add", "multiply"]),
            st.integers(0, 9),
            st.integers(0, 9),
        ),
        min_size=1,
        max_size=9,
    )
)
def test_random_graphs_run_as_in_keras(drawn):
    inputs = keras.Input((6, 6, 4))
    tensors = [inputs]
    for name, first, second in drawn:
        a, b = tensors[first % len(tensors)], tensors[second % len(tensors)]
        if name in OPERATIONS:
            tensors.append(OPERATIONS[name](4)(a))
        else:
            join = layers.Add if name == "add" else layers.Average
            tensors.append(join()([a, b]))
    model = keras.Model(inputs, [tensors[-1], tensors[len(tensors) // 2]])
    assert_same(model, (4, 6, 6, 4), tolerance=1e-3, gradients=5e-2)
