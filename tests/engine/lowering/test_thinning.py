"""Only what is read is made or handed on, and no number changes.

With 16 channels: with fewer, Keras itself may crash (`SAFE_CHANNELS`).
"""

import keras
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from residency.engine.lowering import lower
from residency.engine.lowering.folding import FoldedConvolution
from residency.engine.lowering.program import share_statistics
from residency.engine.lowering.thinning import Thinned

from .parity import assert_same, differences, float64, random_inputs, scramble


def conv(x, filters=16, side=1, strides=1, **options):
    x = layers.Conv2D(filters, side, strides, padding="same", **options)(x)
    return layers.BatchNormalization()(x)


def block(x, strides=1):
    """A residual block of three convolutions, the first of which strides."""
    shortcut = x if strides == 1 else conv(x, 16, 1, strides)
    y = layers.ReLU()(conv(x, 16, 1, strides))
    y = layers.ReLU()(conv(y, 16, 3))
    return layers.ReLU()(layers.Add()([shortcut, conv(y, 16, 1)]))


def strides_of(lowered):
    """Returns the strides in inference, of rows and of what is added."""
    runs = [call.run for call in lowered.calls]
    folds = [run for run in runs if isinstance(run, FoldedConvolution)]
    return [run.strides[0] for run in folds], [run.added_steps[0] for run in folds]


@pytest.mark.parametrize("size", [(16, 16), (13, 9), (5, 1)])
def test_the_end_of_a_stage_makes_what_the_next_one_reads(size):
    inputs = keras.Input((*size, 3))
    x = block(conv(inputs, 16, 3))
    x = layers.GlobalAveragePooling2D()(block(x, 2))
    model = keras.Model(inputs, x)
    strides, steps = strides_of(lower(model))
    #  stem, the first block's three, the second's shortcut and three
    assert strides == [1, 1, 2, 1, 1, 1, 1, 1]
    assert steps == [1, 1, 1, 2, 1, 1, 1, 1]  # the stem is read whole, too
    assert_same(model, (3, *size, 3))


def test_the_image_that_is_added_is_thinned_where_nobody_reads_it_whole():
    inputs = keras.Input((9, 9, 3))
    shortcut, x = conv(inputs, 16, 3), conv(inputs, 16, 1)
    x = layers.ReLU()(layers.Add()([shortcut, x]))
    model = keras.Model(inputs, layers.Flatten()(conv(x, 2, 1, 2)))
    strides, steps = strides_of(lower(model))
    assert sorted(strides) == [1, 2, 2]
    assert steps == [1, 1, 1]
    assert_same(model, (3, 9, 9, 3))


def thinned(lowered):
    """Returns the strides of shared images, in training and in inference."""
    runs = [call.run for call in lowered.calls]
    return [(run.own, run.strides) for run in runs if isinstance(run, Thinned)]


@pytest.mark.parametrize("size", [(16, 16), (13, 9), (5, 1)])
@pytest.mark.parametrize("form", ["channels_last", "channels_first"])
def test_two_convolutions_that_read_the_same_rows_share_them(size, form):
    options = {"data_format": form, "padding": "same"}
    with float64():
        inputs = keras.Input((*size, 16) if form == "channels_last" else (16, *size))
        first, second, other, pool = (
            layers.Conv2D(8, 1, 2, **options)(inputs),
            layers.Conv2D(8, 1, 2, activation="relu", **options)(inputs),
            layers.Conv2D(8, 1, 3, **options)(inputs),
            layers.MaxPooling2D(2, 2, **options)(inputs),
        )
        model = keras.Model(inputs, [first, second, other, pool])
        assert thinned(lower(model)) == [((2, 2), (2, 2))]
        assert_same(model, (3, *inputs.shape[1:]), tolerance=1e-12, gradients=1e-12)


def test_in_inference_what_they_share_is_all_that_is_made():
    inputs = keras.Input((13, 9, 3))
    x = block(block(block(conv(inputs, 16, 3)), 2), 2)
    assert thinned(lower(keras.Model(inputs, x))) == [((2, 2), (1, 1))] * 2


def test_a_shared_image_has_gradients_of_its_gradients():
    images = torch.randn(2, 5, 4, 3, dtype=torch.float64, requires_grad=True)
    every = Thinned((2, 3), channels_last=True, strides=(1, 1))
    assert every(images, training=False).shape == (2, 3, 2, 3)

    def square(x):
        return every(x, training=True) ** 2

    assert torch.autograd.gradgradcheck(square, images)


WHOLE = {
    "an output": lambda x: [x, conv(x, 16, 1, 2)],
    "another stride": lambda x: [conv(x, 16, 1, 2), conv(x, 16, 1, 3)],
    "a larger window": lambda x: [conv(x, 16, 1, 2), conv(x, 16, 3, 2)],
    "a layer that is no convolution": lambda x: [conv(x, 16, 1, 2), layers.ReLU()(x)],
    "zeros around it": lambda x: [
        layers.Conv2D(4, 1, 2)(layers.ZeroPadding2D(1)(x)),
    ],
}


@pytest.mark.parametrize("reader", WHOLE)
def test_what_somebody_reads_whole_is_made_whole(reader):
    inputs = keras.Input((9, 8, 3))
    model = keras.Model(inputs, WHOLE[reader](conv(inputs, 16, 3)))
    assert strides_of(lower(model))[0][0] == 1
    assert_same(model, (3, 9, 8, 3))


def test_shared_statistics_change_no_stride():
    inputs = keras.Input((8, 8, 3))
    lowered = lower(keras.Model(inputs, conv(conv(inputs, 16, 3), 16, 1, 2)))
    before = strides_of(lowered)
    assert before[0] == [2, 1]
    share_statistics(lowered, object())
    assert strides_of(lowered) == before


CHANGES = {"strides": (1, 1), "padding": "valid", "dilation_rate": (2, 2)}


@pytest.mark.parametrize("name", CHANGES)
def test_a_geometry_changed_later_asks_for_another_lowering(name):
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, conv(conv(inputs, 16, 3), 16, 1, 2))
    lowered = lower(model)
    assert lowered.is_current
    setattr(model.layers[3], name, CHANGES[name])
    assert not lowered.is_current


def test_in_training_batch_statistics_are_those_of_the_whole_image():
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, conv(conv(inputs, 16, 3), 16, 1, 2))
    x = torch.zeros(2, 8, 8, 3)
    x[:, 1::2] = 1.0  # rows that the second convolution never reads
    norm = model.layers[2]
    with torch.no_grad():
        lower(model)(x, training=True)
    expected = model.layers[1](x).mean((0, 1, 2)) * (1 - norm.momentum)
    torch.testing.assert_close(norm.moving_mean.value, expected)


STRIDES = st.one_of(
    st.just((1, 1)), st.just((2, 2)), st.tuples(st.integers(1, 3), st.integers(1, 3))
)


@settings(max_examples=100, deadline=None)
@given(
    chain=st.lists(st.tuples(st.sampled_from([1, 3]), STRIDES), min_size=2, max_size=4),
    size=st.tuples(st.integers(1, 14), st.integers(1, 14)),
    add=st.booleans(),
    first=st.booleans(),
)
def test_any_chain_of_convolutions_gives_keras_numbers(chain, size, add, first):
    form = "channels_first" if first else "channels_last"

    def conv(x, side, strides):
        options = {"padding": "same", "data_format": form}
        x = layers.Conv2D(16, side, strides, **options)(x)
        return layers.BatchNormalization(axis=1 if first else -1)(x)

    def build():
        x = inputs = keras.Input((16, *size) if first else (*size, 16))
        for side, strides in chain:
            y = conv(x, side, strides)
            if add:
                shortcut = x if strides == (1, 1) else conv(x, 1, strides)
                y = layers.Add()([shortcut, y])
            x = layers.ReLU(6.0)(y)
        model = keras.Model(inputs, x)
        scramble(model)
        return model, random_inputs(model, (2, *inputs.shape[1:]))

    model, images = build()  # float32 is oneDNN's; only inference has sums of few terms
    with torch.inference_mode():
        found, expected = lower(model)(images), model(images, training=False)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    with float64():
        found = differences(*build())
    assert max(found.inference, found.training, found.moved) < 1e-9
    assert found.gradients < 1e-6  # batch statistics of a few equal pixels
