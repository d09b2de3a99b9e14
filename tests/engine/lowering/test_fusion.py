"""Joined neighbours: fewer calls, the same numbers, nothing lost for other readers."""

from contextlib import nullcontext

import keras
import pytest
from keras import layers

from residency.engine.lowering import lower

from .parity import assert_same, float64


def residual(x, filters):
    y = layers.ZeroPadding2D(1)(x)
    y = layers.Conv2D(filters, 3, use_bias=False)(y)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(filters, 1)(y))
    return layers.Activation("relu")(layers.Add()([x, y]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_neighbours_are_joined_and_the_numbers_stay(dtype):
    exact = dtype == "float64"
    with float64() if exact else nullcontext():
        inputs = keras.Input((8, 8, 4))
        model = keras.Model(inputs, residual(inputs, 4))
        tight = {"tolerance": 1e-12, "gradients": 1e-10} if exact else {}
        assert_same(model, (3, 8, 8, 4), **tight)
    assert len(lower(model).calls) == 2  # two convolutions with all that follows


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_addition_that_nothing_follows_is_joined_too(dtype):
    """As in MobileNetV2; the sum is read twice, and its second term is one, too."""
    exact = dtype == "float64"
    with float64() if exact else nullcontext():
        inputs = keras.Input((8, 8, 4))
        x = inputs
        for _ in range(2):
            y = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(x))
            x = layers.Add()([x, y])
        both = [layers.BatchNormalization()(layers.Conv2D(4, 1)(x)) for _ in range(2)]
        model = keras.Model(inputs, [x, layers.Add()(both)])
        tight = {"tolerance": 1e-12, "gradients": 1e-10} if exact else {}
        assert_same(model, (3, 8, 8, 4), **tight)
    assert len(lower(model).calls) == 4  # four convolutions with all that follows


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_end_of_a_block_adds_up_the_gradients_of_its_two_readers(dtype):
    exact = dtype == "float64"
    with float64() if exact else nullcontext():
        inputs = keras.Input((8, 8, 4))
        first = residual(inputs, 4)
        second = residual(first, 4)
        third = layers.Add()([second, second])
        model = keras.Model(inputs, residual(third, 4))
        tight = {"tolerance": 1e-12, "gradients": 1e-10} if exact else {}
        assert_same(model, (3, 8, 8, 4), **tight)
    ends = [call for call in lower(model).calls if len(call.outputs) == 2]
    assert len(ends) == 2  # the third is what the model gives


def test_a_block_that_the_model_returns_or_three_read_is_made_once():
    inputs = keras.Input((8, 8, 4))
    first = residual(inputs, 4)
    second = residual(first, 4)
    outputs = [first, layers.Add()([second, second, layers.ReLU()(second)])]
    model = keras.Model(inputs, outputs)
    assert_same(model, (3, 8, 8, 4))
    assert all(len(call.outputs) == 1 for call in lower(model).calls)


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


def test_a_normalization_added_to_itself_and_to_a_smaller_tensor():
    inputs = keras.Input((8, 8, 4))
    norm = layers.BatchNormalization()(layers.Conv2D(4, 1)(inputs))
    doubled = layers.ReLU()(layers.Add()([norm, norm]))
    small = layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    other = layers.BatchNormalization()(layers.Conv2D(4, 1)(inputs))
    stretched = layers.ReLU()(layers.Add()([small, other]))
    shrunk = layers.BatchNormalization()(small)
    grown = layers.ReLU()(layers.Add()([shrunk, inputs]))
    assert_same(keras.Model(inputs, [doubled, stretched, grown]), (3, 8, 8, 4))


def pooled(x, side=3, zeros=1, **options):
    x = layers.ZeroPadding2D(zeros)(x)
    return layers.MaxPooling2D(side, 2, **options)(x)


POOLED = {
    "after ReLU": (lambda x: pooled(layers.ReLU()(x)), 2),
    "after relu6": (lambda x: pooled(layers.Activation("relu6")(x)), 2),
    "zeros of two shapes": (lambda x: pooled(layers.ReLU()(x), (3, 5), (1, 2)), 2),
    "values below zero": (pooled, 2),
    "after leaky ReLU": (lambda x: pooled(layers.LeakyReLU()(x)), 3),
    "more zeros than half a window": (lambda x: pooled(layers.ReLU()(x), 3, 2), 3),
    "uneven zeros": (lambda x: pooled(layers.ReLU()(x), 3, ((0, 1), (0, 1))), 3),
    "the mean": (
        lambda x: layers.AveragePooling2D(3)(layers.ZeroPadding2D(1)(layers.ReLU()(x))),
        3,
    ),
}
"""A network, and how many calls it is."""


@pytest.mark.parametrize("case", POOLED)
def test_zeros_go_into_a_maximum_that_they_never_are(case):
    build, calls = POOLED[case]
    inputs = keras.Input((7, 8, 4))
    model = keras.Model(inputs, build(inputs))
    assert_same(model, (3, 7, 8, 4))
    assert len(lower(model).calls) == calls


@pytest.mark.parametrize(
    "zeros", [1, ((0, 1), (0, 1)), ((0, 0), (0, 1)), ((2, 0), (0, 1))]
)
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("kind", [layers.Conv2D, layers.DepthwiseConv2D])
def test_zeros_go_into_a_convolution(kind, strides, zeros):
    inputs = keras.Input((8, 7, 4))
    padded = layers.ZeroPadding2D(zeros)(inputs)
    given = {"filters": 3} if kind is layers.Conv2D else {"depth_multiplier": 2}
    model = keras.Model(inputs, kind(kernel_size=3, strides=strides, **given)(padded))
    assert_same(model, (3, 8, 7, 4))
    assert len(lower(model).calls) == 1


NOT_JOINED = {
    "zeros before same": lambda x: layers.Conv2D(4, 3, strides=2, padding="same")(
        layers.ZeroPadding2D(1)(x)
    ),
    "an activation between": lambda x: layers.BatchNormalization()(
        layers.Conv2D(4, 3, activation="relu")(x)
    ),
    "another axis": lambda x: layers.BatchNormalization(axis=1)(layers.Conv2D(4, 3)(x)),
    "another dtype": lambda x: layers.ReLU(dtype="float64")(
        layers.BatchNormalization()(layers.Conv2D(4, 3)(x))
    ),
    "renorm": lambda x: layers.ReLU()(
        layers.BatchNormalization(renorm=True)(layers.Conv2D(4, 3)(x))
    ),
    "relu 6": lambda x: layers.ReLU(6.0)(layers.BatchNormalization()(x)),
    "three addends": lambda x: layers.ReLU()(
        layers.Add()([x, layers.BatchNormalization()(x), x])
    ),
    "padding of another format": lambda x: layers.Conv2D(
        4, 3, data_format="channels_first"
    )(layers.ZeroPadding2D(1)(x)),
}


@pytest.mark.parametrize("case", NOT_JOINED)
def test_near_misses_keep_their_numbers(case):
    inputs = keras.Input((8, 8, 4))
    assert_same(keras.Model(inputs, NOT_JOINED[case](inputs)), (3, 8, 8, 4))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float64"])
def test_casts_between_neighbours_stay(policy):
    inputs = keras.Input((8, 8, 4), dtype="float32")
    x = layers.Rescaling(0.5, dtype="float32")(inputs)
    x = layers.Conv2D(4, 3, dtype=policy)(layers.ZeroPadding2D(1, dtype=policy)(x))
    y = layers.BatchNormalization(dtype=policy)(x)
    wide = layers.Conv2D(4, 1, dtype="float32")(inputs)
    sums = [layers.Add(dtype=policy)(pair) for pair in ([y, wide], [wide, y])]
    outputs = [layers.ReLU(dtype=policy)(each) for each in sums]
    rounding = policy == "mixed_bfloat16"
    close = {"tolerance": 2e-2, "gradients": 0.05} if rounding else {}
    assert_same(keras.Model(inputs, [x, *outputs]), (3, 8, 8, 4), **close)
