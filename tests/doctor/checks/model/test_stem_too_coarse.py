import keras
import numpy as np
import pytest
from keras import layers

from residency.doctor.checks.model.stem_too_coarse import find


def conv(filters, size=3, strides=1):
    return [
        layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
    ]


def ends():
    return [layers.GlobalAveragePooling2D(), layers.Dense(4, activation="softmax")]


def imagenet():
    return [*conv(8, 7, 2), layers.MaxPooling2D(3, 2, padding="same")]


def test_the_imagenet_stem_on_small_images(probe_of, images):
    model = [*imagenet(), *conv(8), *conv(16, strides=2), *conv(16), *ends()]
    (found,) = find(probe_of(model, images(side=32)))
    assert found.evidence["side_after_stem"] == 8


def test_convolutions_on_a_single_place(probe_of, images):
    model = [*conv(8)]
    for _ in range(6):
        model += conv(8, strides=2)
    (found,) = find(probe_of([*model, *ends()], images(side=16)))
    assert (found.evidence["blind_convolutions"], found.evidence["convolutions"]) == (
        2,
        7,
    )


def test_strides_as_wide_as_the_window(probe_of, images):
    model = [*conv(8, 5, 5), *conv(8, 3, 3), *conv(8, 3, 3), *ends()]
    assert len(find(probe_of(model, images(side=64)))) == 1


@pytest.mark.parametrize(
    ("side", "model"),
    [
        (
            32,
            [
                *conv(8),
                layers.MaxPooling2D(),
                *conv(8),
                layers.MaxPooling2D(),
                *conv(8),
            ],
        ),
        (32, [*conv(8), *conv(8, strides=2), *conv(8, strides=2), *conv(8)]),
        (28, [*conv(8, 5, 2), *conv(8, 5, 2), *conv(8)]),
        (
            8,
            [
                *conv(8),
                layers.MaxPooling2D(),
                *conv(8),
                layers.MaxPooling2D(),
                *conv(8),
            ],
        ),
        (80, [*conv(8, 7, 2), layers.MaxPooling2D(3, 2), *conv(8), *conv(8), *conv(8)]),
        (32, [layers.Conv2D(16, 4, strides=4), layers.ReLU(), layers.Conv2D(16, 1)]),
    ],
    ids=["vgg", "resnet", "strided", "digits", "large", "patches"],
)
def test_stems_that_fit(probe_of, images, side, model):
    assert find(probe_of([*model, *ends()], images(side=side, count=16))) == []


def test_tables_have_no_maps(probe_of, table):
    assert find(probe_of([layers.Dense(3, activation="softmax")], table())) is None


def test_trained_weights_keep_their_stem(probe_of, images):
    layers_ = [*imagenet(), *conv(8), *conv(16, strides=2), *conv(16), *ends()]
    model = keras.Sequential([keras.Input((32, 32, 3)), *layers_])
    statistics = model.layers[1].moving_mean
    statistics.assign([0.1 * n for n in range(8)])
    assert find(probe_of(model, images(side=32))) == []


def rows_of(length, channels=2):
    rng = np.random.default_rng(0)
    return rng.normal(size=(32, length, channels)).astype("float32"), np.arange(32) % 4


def test_pooling_before_the_first_window(probe_of, images):
    ends_1d = [layers.GlobalAveragePooling1D(), layers.Dense(4, activation="softmax")]
    model = [layers.AveragePooling1D(16), layers.Conv1D(8, 3, padding="same"), *ends_1d]
    (found,) = find(probe_of(model, rows_of(64)))
    assert found.evidence["places_left"] == 4
    model = [layers.MaxPooling2D(8), layers.Conv2D(8, 3, padding="same"), *ends()]
    (found,) = find(probe_of(model, images(side=32)))
    assert found.evidence["places_left"] == 4


@pytest.mark.parametrize("pool", [2, 4])
def test_some_pooling_first_leaves_enough(probe_of, pool):
    ends_1d = [layers.GlobalAveragePooling1D(), layers.Dense(4, activation="softmax")]
    model = [layers.AveragePooling1D(pool), layers.Conv1D(8, 3), *ends_1d]
    assert not find(probe_of(model, rows_of(64)))


def test_another_order_of_axes_is_no_pooling(probe_of):
    rng = np.random.default_rng(0)
    data = rng.normal(size=(32, 64, 4)).astype("float32"), np.arange(32) % 4
    model = [layers.Permute((2, 1)), layers.Conv1D(8, 3), layers.GlobalMaxPooling1D()]
    assert not find(probe_of([*model, layers.Dense(4, activation="softmax")], data))


def test_a_second_branch_that_reads_all(probe_of):
    given = keras.Input((64, 2))
    coarse = layers.Conv1D(8, 3)(layers.AveragePooling1D(16)(given))
    fine = layers.Conv1D(8, 3)(given)
    both = [layers.GlobalMaxPooling1D()(x) for x in (coarse, fine)]
    end = layers.Dense(4, activation="softmax")(layers.Concatenate()(both))
    assert not find(probe_of(keras.Model(given, end), rows_of(64)))
