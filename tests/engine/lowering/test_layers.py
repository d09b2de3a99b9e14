"""Layer by layer: the numbers of Keras, in float32 and in float64."""

from contextlib import nullcontext

import keras
import numpy as np
import pytest
import torch
from keras import layers

from residency.engine.lowering import lower

from .parity import assert_same, float64

IMAGE, ROW, VOLUME = (9, 11, 6), (9, 6), (5, 6, 7, 4)
FIRST = {"data_format": "channels_first"}


def model_of(layer, shape=IMAGE):
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


CONVOLUTIONS = {
    "valid": (lambda: layers.Conv2D(4, 3), IMAGE),
    "same, strides, relu": (
        lambda: layers.Conv2D(
            4, (3, 2), strides=(2, 1), padding="same", activation="relu"
        ),
        IMAGE,
    ),
    "same, even kernel, strides": (
        lambda: layers.Conv2D(4, 4, strides=3, padding="same"),
        IMAGE,
    ),
    "dilated, same": (
        lambda: layers.Conv2D(4, 2, dilation_rate=2, padding="same", use_bias=False),
        IMAGE,
    ),
    "dilated, valid": (lambda: layers.Conv2D(4, 3, dilation_rate=(1, 3)), IMAGE),
    "grouped": (lambda: layers.Conv2D(6, 3, groups=3, padding="same"), IMAGE),
    "channels first": (
        lambda: layers.Conv2D(4, 3, strides=2, padding="same", **FIRST),
        (6, 9, 11),
    ),
    "activation is a layer": (
        lambda: layers.Conv2D(4, 3, activation=layers.LeakyReLU(0.1)),
        IMAGE,
    ),
    "1D": (lambda: layers.Conv1D(3, 2, strides=2), ROW),
    "1D, same": (lambda: layers.Conv1D(3, 3, dilation_rate=2, padding="same"), ROW),
    "1D, causal": (lambda: layers.Conv1D(3, 3, padding="causal"), ROW),
    "1D, causal, dilated": (
        lambda: layers.Conv1D(4, 3, padding="causal", dilation_rate=2, groups=2),
        ROW,
    ),
    "3D": (lambda: layers.Conv3D(3, 2, strides=2, padding="same"), VOLUME),
    "3D, grouped": (lambda: layers.Conv3D(4, 2, groups=2), VOLUME),
    "transposed": (
        lambda: layers.Conv2DTranspose(4, 3, strides=2, padding="same"),
        IMAGE,
    ),
    "transposed, output padding": (
        lambda: layers.Conv2DTranspose(4, 3, strides=3, output_padding=1),
        IMAGE,
    ),
    "transposed, dilated": (
        lambda: layers.Conv2DTranspose(4, 3, dilation_rate=2),
        IMAGE,
    ),
    "transposed 1D": (lambda: layers.Conv1DTranspose(4, 3, strides=2), ROW),
    "transposed 3D": (lambda: layers.Conv3DTranspose(2, 2, strides=2), VOLUME),
    "depthwise": (
        lambda: layers.DepthwiseConv2D(
            3, depth_multiplier=2, strides=2, padding="same"
        ),
        IMAGE,
    ),
    "depthwise, dilated": (
        lambda: layers.DepthwiseConv2D(3, dilation_rate=2, activation="tanh"),
        IMAGE,
    ),
    "depthwise, channels first": (
        lambda: layers.DepthwiseConv2D(3, padding="same", **FIRST),
        (6, 9, 11),
    ),
    "depthwise 1D": (lambda: layers.DepthwiseConv1D(3, padding="same"), ROW),
    "separable": (
        lambda: layers.SeparableConv2D(
            5, 3, strides=2, padding="same", depth_multiplier=2
        ),
        IMAGE,
    ),
    "separable, dilated": (
        lambda: layers.SeparableConv2D(5, 3, dilation_rate=2, use_bias=False),
        IMAGE,
    ),
    "separable 1D": (lambda: layers.SeparableConv1D(5, 3), ROW),
}
NORMALIZATIONS = {
    "batch": (lambda: layers.BatchNormalization(momentum=0.7, epsilon=0.01), IMAGE),
    "batch, bare": (
        lambda: layers.BatchNormalization(center=False, scale=False),
        IMAGE,
    ),
    "batch, center": (lambda: layers.BatchNormalization(scale=False), IMAGE),
    "batch, axis 1": (lambda: layers.BatchNormalization(axis=1), IMAGE),
    "batch, axis 2": (lambda: layers.BatchNormalization(axis=2), IMAGE),
    "batch, axis -3": (lambda: layers.BatchNormalization(axis=-3), IMAGE),
    "batch of vectors": (lambda: layers.BatchNormalization(), (6,)),
    "batch of rows": (lambda: layers.BatchNormalization(), ROW),
    "batch of volumes": (lambda: layers.BatchNormalization(), VOLUME),
    "batch, renorm": (lambda: layers.BatchNormalization(renorm=True), IMAGE),
    "batch, constrained": (
        lambda: layers.BatchNormalization(
            gamma_regularizer="l2", beta_constraint="non_neg"
        ),
        IMAGE,
    ),
    "layer": (lambda: layers.LayerNormalization(), IMAGE),
    "layer, axes": (lambda: layers.LayerNormalization(axis=(1, 3)), IMAGE),
    "group": (lambda: layers.GroupNormalization(groups=3), IMAGE),
    "group, axis 1": (lambda: layers.GroupNormalization(groups=3, axis=1), IMAGE),
    "unit": (lambda: layers.UnitNormalization(), IMAGE),
    "rms": (lambda: layers.RMSNormalization(), IMAGE),
    "spectral": (lambda: layers.SpectralNormalization(layers.Conv2D(4, 3)), IMAGE),
}
POOLINGS = {
    "max": (lambda: layers.MaxPooling2D(2), IMAGE),
    "max, same": (lambda: layers.MaxPooling2D(3, strides=2, padding="same"), IMAGE),
    "max, oblong": (lambda: layers.MaxPooling2D((1, 3), strides=(2, 1)), IMAGE),
    "max, channels first": (
        lambda: layers.MaxPooling2D(2, padding="same", **FIRST),
        (6, 9, 11),
    ),
    "max 1D": (lambda: layers.MaxPooling1D(2, padding="same"), ROW),
    "max 3D": (lambda: layers.MaxPooling3D(2), VOLUME),
    "average": (lambda: layers.AveragePooling2D(2, padding="same"), IMAGE),
    "average, 3 of 2": (
        lambda: layers.AveragePooling2D(3, strides=2, padding="same"),
        IMAGE,
    ),
    "average of one": (lambda: layers.AveragePooling2D(1, strides=2), IMAGE),
    "average 1D": (lambda: layers.AveragePooling1D(2), ROW),
    "average 3D": (lambda: layers.AveragePooling3D(2, padding="same"), VOLUME),
    "global average": (lambda: layers.GlobalAveragePooling2D(), IMAGE),
    "global average 1D": (lambda: layers.GlobalAveragePooling1D(), ROW),
    "global max": (lambda: layers.GlobalMaxPooling2D(keepdims=True), IMAGE),
    "global max 3D": (lambda: layers.GlobalMaxPooling3D(), VOLUME),
    "adaptive average": (lambda: layers.AdaptiveAveragePooling2D((3, 4)), IMAGE),
    "adaptive max": (lambda: layers.AdaptiveMaxPooling2D(2), IMAGE),
    "adaptive average 1D": (lambda: layers.AdaptiveAveragePooling1D(4), ROW),
}
SHAPES = {
    "pad": (lambda: layers.ZeroPadding2D(((1, 2), (0, 3))), IMAGE),
    "pad 1D": (lambda: layers.ZeroPadding1D(2), ROW),
    "pad 3D": (lambda: layers.ZeroPadding3D(1), VOLUME),
    "crop": (lambda: layers.Cropping2D(((1, 2), (0, 3))), IMAGE),
    "crop 1D": (lambda: layers.Cropping1D(2), ROW),
    "crop 3D": (lambda: layers.Cropping3D(1), VOLUME),
    "upsample": (lambda: layers.UpSampling2D(2), IMAGE),
    "upsample, bilinear": (
        lambda: layers.UpSampling2D((2, 3), interpolation="bilinear"),
        IMAGE,
    ),
    "upsample 1D": (lambda: layers.UpSampling1D(2), ROW),
    "upsample 3D": (lambda: layers.UpSampling3D(2), VOLUME),
    "flatten": (lambda: layers.Flatten(), IMAGE),
    "flatten, channels first": (lambda: layers.Flatten(**FIRST), IMAGE),
    "reshape": (lambda: layers.Reshape((11, 9, 6)), IMAGE),
    "reshape, open": (lambda: layers.Reshape((-1, 3)), IMAGE),
    "permute": (lambda: layers.Permute((3, 1, 2)), IMAGE),
    "repeat": (lambda: layers.RepeatVector(3), (6,)),
    "identity": (lambda: layers.Identity(), IMAGE),
}
PRODUCTS = {
    "dense": (lambda: layers.Dense(5, activation="tanh"), (6,)),
    "dense, no bias": (lambda: layers.Dense(5, use_bias=False), (6,)),
    "dense of rows": (lambda: layers.Dense(5, activation="relu"), ROW),
    "dense of images": (lambda: layers.Dense(5, activation="softmax"), IMAGE),
    "regularized": (
        lambda: layers.Dense(
            5,
            kernel_regularizer="l1",
            bias_regularizer="l2",
            kernel_constraint="unit_norm",
        ),
        (6,),
    ),
}
RANDOM = {
    "dropout": (lambda: layers.Dropout(0.5), IMAGE),
    "dropout, noise shape": (
        lambda: layers.Dropout(0.5, noise_shape=(1, None, 1, 6)),
        IMAGE,
    ),
    "stochastic depth": (
        lambda: layers.Dropout(0.5, noise_shape=(None, 1, 1, 1)),
        IMAGE,
    ),
    "spatial dropout": (lambda: layers.SpatialDropout2D(0.5), IMAGE),
    "spatial dropout 1D": (lambda: layers.SpatialDropout1D(0.5), ROW),
    "gaussian dropout": (lambda: layers.GaussianDropout(0.3), IMAGE),
    "gaussian noise": (lambda: layers.GaussianNoise(0.1), IMAGE),
    "alpha dropout": (lambda: layers.AlphaDropout(0.3), IMAGE),
}
VALUES = {
    "rescale": (lambda: layers.Rescaling(1 / 127.5, offset=-1), IMAGE),
    "rescale each": (lambda: layers.Rescaling([1.0] * 6, offset=[0.5] * 6), IMAGE),
    "normalize": (
        lambda: layers.Normalization(mean=[1.0] * 6, variance=[4.0] * 6),
        IMAGE,
    ),
    "normalize, inverted": (
        lambda: layers.Normalization(mean=[1.0] * 6, variance=[4.0] * 6, invert=True),
        IMAGE,
    ),
    "prelu": (lambda: layers.PReLU(shared_axes=(1, 2)), IMAGE),
    "leaky relu": (lambda: layers.LeakyReLU(0.3), IMAGE),
    "elu": (lambda: layers.ELU(0.5), IMAGE),
    "relu": (lambda: layers.ReLU(), IMAGE),
    "relu, bounded": (lambda: layers.ReLU(max_value=0.6, negative_slope=0.1), IMAGE),
    "relu, threshold": (lambda: layers.ReLU(threshold=0.4), IMAGE),
    "softmax": (lambda: layers.Softmax(), IMAGE),
    "softmax, axes": (lambda: layers.Softmax(axis=(1, 2)), IMAGE),
}
TABLE = {
    f"{kind}: {name}": case
    for kind, cases in {
        "convolution": CONVOLUTIONS,
        "normalization": NORMALIZATIONS,
        "pooling": POOLINGS,
        "shape": SHAPES,
        "product": PRODUCTS,
        "random": RANDOM,
        "value": VALUES,
    }.items()
    for name, case in cases.items()
}


@pytest.mark.parametrize("case", TABLE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_layer_runs_as_in_keras(case, dtype):
    build, shape = TABLE[case]
    exact = dtype == "float64"
    with float64() if exact else nullcontext():
        tight = {"tolerance": 1e-12, "gradients": 1e-10} if exact else {}
        assert_same(model_of(build(), shape), (4, *shape), **tight)


ACTIVATIONS = [
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid",
    "hard_silu", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax",
    "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax",
    "softplus", "softsign", "sparse_plus", "sparsemax", "squareplus", "swish", "tanh",
    "tanh_shrink", "threshold",
]  # fmt: skip


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_activation_runs_as_in_keras(activation):
    inputs = keras.Input(IMAGE)
    given = activation
    if activation == "threshold":

        def given(x):
            return keras.ops.threshold(x, 0.5, 0.1)

    x = layers.Conv2D(4, 1)(inputs)
    assert_same(keras.Model(inputs, layers.Activation(given)(x)), (2, *IMAGE))


MERGES = {
    "add": layers.Add,
    "subtract": layers.Subtract,
    "multiply": layers.Multiply,
    "average": layers.Average,
    "maximum": layers.Maximum,
    "minimum": layers.Minimum,
    "concatenate": layers.Concatenate,
    "concatenate, axis 1": lambda: layers.Concatenate(axis=1),
    "dot": lambda: layers.Dot(axes=2),
    "dot, normalized": lambda: layers.Dot(axes=(1, 1), normalize=True),
}


@pytest.mark.parametrize("case", MERGES)
def test_a_merge_runs_as_in_keras(case):
    first, second = keras.Input(ROW), keras.Input(ROW)
    model = keras.Model([first, second], MERGES[case]()([first, second]))
    assert_same(model, [(4, *ROW), (4, *ROW)])


def test_merges_take_more_than_two_and_stretch_small_ones():
    inputs = keras.Input(IMAGE)
    small = layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    many = [inputs, layers.Conv2D(6, 1)(inputs), layers.ReLU()(inputs), small]
    outputs = [merge()(many) for merge in (layers.Add, layers.Average, layers.Maximum)]
    scaled = layers.Multiply()([inputs, small])
    assert_same(keras.Model(inputs, [*outputs, scaled]), (4, *IMAGE))


KEPT = {
    "einsum dense": (lambda: layers.EinsumDense("btc,cd->btd", (None, 5)), ROW),
    "lambda": (lambda: layers.Lambda(lambda x: 2 * x), ROW),
    "lstm": (lambda: layers.LSTM(4, return_sequences=True), ROW),
    "gru": (lambda: layers.GRU(4), ROW),
    "bidirectional": (lambda: layers.Bidirectional(layers.SimpleRNN(3)), ROW),
    "recurrent convolution": (lambda: layers.ConvLSTM1D(3, 2), (3, 9, 6)),
    "time distributed": (
        lambda: layers.TimeDistributed(layers.Conv1D(3, 2)),
        (3, 9, 6),
    ),
    "recurrent dropout": (lambda: layers.LSTM(4, dropout=0.3), ROW),
    "activity": (lambda: layers.Conv2D(4, 3, activity_regularizer="l2"), IMAGE),
    "activity layer": (lambda: layers.ActivityRegularization(l2=0.1), IMAGE),
    "flip": (lambda: layers.RandomFlip(seed=1), IMAGE),
}


@pytest.mark.parametrize("case", KEPT)
def test_what_the_lowering_does_not_know_is_called_and_named(case):
    build, shape = KEPT[case]
    layer = build()
    assert_same(model_of(layer, shape), (4, *shape), kept=(layer.name,))


def test_attention_is_called_and_named():
    inputs = keras.Input(ROW)
    normed = layers.LayerNormalization()(inputs)
    attention = layers.MultiHeadAttention(2, 3, dropout=0.1)
    mixed = attention(normed, normed, attention_mask=np.tri(9, dtype="bool")[None])
    outputs = layers.Dense(2)(layers.Add()([inputs, mixed]))
    assert_same(keras.Model(inputs, outputs), (4, *ROW), kept=(attention.name,))


def test_a_known_layer_given_more_than_one_tensor_is_called_and_named():
    scores, mask = keras.Input(ROW), keras.Input(ROW, dtype="bool")
    softmax = layers.Softmax()
    model = keras.Model([scores, mask], softmax(scores, mask=mask))
    assert_same(model, [(4, *ROW), (4, *ROW)], kept=(softmax.name,))


def test_operations_of_keras_run_in_the_graph():
    inputs = keras.Input(IMAGE)
    x = layers.Conv2D(4, 3)(inputs)
    x = keras.ops.relu(x) + 2 * keras.ops.mean(x, axis=(1, 2), keepdims=True)
    x = keras.ops.concatenate([x, x**2], axis=-1)
    first, second = keras.ops.split(x, [2], axis=1)
    assert_same(keras.Model(inputs, [first, second]), (4, *IMAGE))


def test_dropout_keeps_the_share_and_the_mean():
    inputs = keras.Input((1000,))
    for layer in (layers.Dropout(0.3), layers.GaussianDropout(0.3)):
        lowered = lower(keras.Model(inputs, layer(inputs)))
        x = torch.ones(100, 1000)
        y = lowered(x, training=True)
        # 100,000 draws: a standard error of 0.002 about the mean of 1
        assert float(y.mean()) == pytest.approx(1, abs=0.01)
        assert not torch.equal(lowered(x, training=True), y)
        assert torch.equal(lowered(x, training=False), x)
        if isinstance(layer, layers.Dropout):
            assert float((y == 0).float().mean()) == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("layer", [layers.Dense, layers.BatchNormalization])
def test_whole_numbers_are_left_to_keras(layer):
    inputs = keras.Input((6,), dtype="int32")
    made = layer(4) if layer is layers.Dense else layer()
    model = keras.Model(inputs, made(inputs))
    lowered = lower(model)
    assert lowered.kept == (made.name,)
    x = torch.arange(18, dtype=torch.int32).reshape(3, 6)
    for training in (False, True):
        torch.testing.assert_close(lowered(x, training), model(x, training=training))


def test_gradients_pass_a_rescaling_that_inference_used_first():
    inputs = keras.Input((4,))
    x = layers.Rescaling(2.0, 1.0)(layers.Dense(3)(inputs))
    lowered = lower(keras.Model(inputs, x))
    with torch.inference_mode():
        lowered(torch.ones(2, 4))
    x = torch.ones(2, 4, requires_grad=True)
    lowered(x, training=True).square().sum().backward()
    assert x.grad is not None
