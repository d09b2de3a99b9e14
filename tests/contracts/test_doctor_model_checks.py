"""Correct programs of many kinds, and not a word about them but advice."""

import re
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from residency.doctor.checks.model import CHECKS
from residency.doctor.labels import LABELS
from residency.doctor.probe import take_probe
from residency.models import build

ROOT = Path(__file__).parents[2]
SPARSE = "sparse_categorical_crossentropy"


def pictures(side=32, channels=3, classes=10, count=64):
    rng = np.random.default_rng(0)
    y = np.arange(count) % classes
    x = rng.normal(0, 0.5, (count, side, side, channels))
    x += np.cos(y[:, None] * np.arange(1, channels + 1))[:, None, None, :]
    return x.astype("float32"), y


def rows(width=12, count=200):
    x = np.random.default_rng(0).normal(size=(count, width)).astype("float32")
    return x, (x[:, 0] > 0).astype("int64")


def chain(data, *parts):
    return keras.Sequential([keras.Input(data[0].shape[1:]), *parts])


def conv(filters, size=3, **options):
    options = {"activation": "relu", "padding": "same"} | options
    return layers.Conv2D(filters, size, **options)


def small_convolutional():
    """Of the Keras documentation, for MNIST: keras.io/examples/vision/mnist_convnet."""
    x, y = pictures(28, 1)
    model = chain(
        (x,),
        conv(32, padding="valid"),
        layers.MaxPooling2D(),
        conv(64, padding="valid"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    )
    return model, (x, np.eye(10)[y]), "categorical_crossentropy", ["accuracy"]


def scores_of_pixels_that_the_model_rescales():
    x, y = pictures()
    x = np.clip(x * 60 + 127, 0, 255)
    model = chain(
        (x,),
        layers.Rescaling(1 / 127.5, -1),
        conv(16),
        layers.MaxPooling2D(),
        conv(32),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10),
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return model, (x, y), loss, ["accuracy"]


def preactivation_residual():
    data = pictures()
    given = keras.Input((32, 32, 3))
    x = layers.Conv2D(16, 3, padding="same", use_bias=False)(given)
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        y = layers.ReLU()(layers.BatchNormalization()(x))
        short = x
        if strides > 1:
            short = layers.Conv2D(filters, 1, strides=strides, use_bias=False)(y)
        y = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(
            y
        )
        y = layers.ReLU()(layers.BatchNormalization()(y))
        y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
        x = layers.Add()([short, y])
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.BatchNormalization()(x)))
    model = keras.Model(given, layers.Dense(10, activation="softmax")(x))
    return model, data, SPARSE, ["accuracy"]


def linear_bottlenecks():
    data = pictures()
    given = keras.Input((32, 32, 3))
    x = conv(16)(given)
    for filters in (16, 24, 24):
        y = layers.ReLU(6.0)(layers.Conv2D(64, 1, use_bias=False)(x))
        y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
        y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(filters, 1, use_bias=False)(y))
        x = layers.Add()([x, y]) if x.shape == y.shape else y
    x = layers.GlobalAveragePooling2D()(layers.ReLU(6.0)(x))
    model = keras.Model(given, layers.Dense(10, activation="softmax")(x))
    return model, data, SPARSE, ["accuracy"]


def masks():
    x, _ = pictures()
    given = keras.Input((32, 32, 3))
    fine = conv(16)(given)
    coarse = conv(32)(layers.MaxPooling2D()(fine))
    up = layers.Conv2DTranspose(16, 2, strides=2)(coarse)
    up = conv(16)(layers.Concatenate()([up, fine]))
    model = keras.Model(given, layers.Conv2D(1, 1, activation="sigmoid")(up))
    return model, (x, (x[..., :1] > 0) * 1.0), "binary_crossentropy", []


def autoencoder():
    x, _ = pictures(28, 1)
    x = 1 / (1 + np.exp(-x))
    model = chain(
        (x,),
        conv(16),
        layers.MaxPooling2D(),
        conv(16),
        layers.Conv2DTranspose(16, 3, strides=2, activation="relu", padding="same"),
        conv(1, activation="sigmoid"),
    )
    return model, (x, x), "binary_crossentropy", []


def narrow_code():
    x, _ = rows(32)
    wide = [layers.Dense(16, activation="relu") for _ in range(2)]
    model = chain((x,), wide[0], layers.Dense(2), wide[1], layers.Dense(32))
    return model, (x, x), "mse", []


def two_classes_of_a_table():
    data = rows()
    hidden = []
    for units in (64, 32):
        hidden += [layers.Dense(units, activation="relu"), layers.Dropout(0.5)]
    model = chain(data, *hidden, layers.Dense(1, activation="sigmoid"))
    return model, data, "binary_crossentropy", ["accuracy"]


def numbers_of_a_table():
    x, _ = rows()
    model = chain((x,), layers.Dense(64, activation="relu"), layers.Dense(1))
    return model, (x, 20 + 3 * x[:, :1]), "mse", ["mae"]


def grades():
    x, _ = rows()
    y = np.arange(len(x)) % 5 + 1
    model = chain((x,), layers.Dense(64, activation="relu"), layers.Dense(1))
    return model, (x, y), "mse", ["mae"]


def labels_that_hold_together():
    x, _ = rows()
    y = (x[:, :8] > 0.3) * 1.0
    hidden = layers.Dense(64, activation="relu")
    model = chain((x,), hidden, layers.Dense(8, activation="sigmoid"))
    return model, (x, y), "binary_crossentropy", ["binary_accuracy"]


def mixed_labels():
    x, y = pictures()
    y = 0.7 * np.eye(10)[y] + 0.3 * np.eye(10)[y[::-1]]
    last = layers.Dense(10, activation="sigmoid")
    model = chain((x,), conv(16), layers.GlobalAveragePooling2D(), last)
    return model, (x, y), "binary_crossentropy", ["categorical_accuracy"]


def margins():
    x, y = rows()
    hidden = layers.Dense(32, activation="relu")
    model = chain((x,), hidden, layers.Dense(1, activation="tanh"))
    return model, (x, y * 2 - 1), "hinge", []


def words():
    x = np.random.default_rng(0).integers(1, 99, (64, 20))
    model = chain(
        (x,),
        layers.Embedding(100, 16),
        layers.Bidirectional(layers.LSTM(16, return_sequences=True)),
        layers.LSTM(16),
        layers.Dense(1, activation="sigmoid"),
    )
    return model, (x, x[:, 0] % 2), "binary_crossentropy", ["accuracy"]


def tags():
    x = np.random.default_rng(0).integers(1, 50, (64, 12))
    recurrent = layers.LSTM(16, return_sequences=True)
    last = layers.Dense(5, activation="softmax")
    model = chain((x,), layers.Embedding(50, 16), recurrent, last)
    return model, (x, x % 5), SPARSE, ["accuracy"]


def patches_and_attention():
    data = pictures()
    given = keras.Input((32, 32, 3))
    x = layers.Reshape((64, 32))(layers.Conv2D(32, 4, strides=4)(given))
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(2, 16)(y, y)])
        y = layers.Dense(64, activation="gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(32)(y)])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return keras.Model(given, layers.Dense(10)(x)), data, loss, ["accuracy"]


def a_convex_model_that_starts_at_zero():
    data = pictures(16, 1)
    last = layers.Dense(10, activation="softmax", kernel_initializer="zeros")
    return chain(data, layers.Flatten(), last), data, SPARSE, ["accuracy"]


def channels_first():
    x, y = pictures()
    layout = "channels_first"
    model = chain(
        (x := np.ascontiguousarray(np.moveaxis(x, -1, 1)),),
        layers.Conv2D(16, 3, data_format=layout, use_bias=False),
        layers.BatchNormalization(axis=1),
        layers.ReLU(),
        layers.GlobalAveragePooling2D(data_format=layout),
        layers.Dense(10, activation="softmax"),
    )
    return model, (x, y), SPARSE, ["accuracy"]


def a_frozen_body():
    data = pictures(64, classes=2)
    body = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(64, 64, 3), alpha=0.35
    )
    body.trainable = False
    pooled = layers.GlobalAveragePooling2D()
    model = chain(data, body, pooled, layers.Dense(1, activation="sigmoid"))
    return model, data, "binary_crossentropy", ["accuracy"]


HEALTHY = (
    small_convolutional,
    scores_of_pixels_that_the_model_rescales,
    preactivation_residual,
    linear_bottlenecks,
    masks,
    autoencoder,
    narrow_code,
    two_classes_of_a_table,
    numbers_of_a_table,
    grades,
    labels_that_hold_together,
    mixed_labels,
    margins,
    words,
    tags,
    patches_and_attention,
    a_convex_model_that_starts_at_zero,
    channels_first,
    a_frozen_body,
)


def accusations(model, data, loss, metrics):
    model.compile("sgd", loss, metrics=metrics)
    probe = take_probe(model, data, trials=False)
    found = [f for check in CHECKS for f in check.run(probe) or ()]
    return [f"{f.code}: {f.title}" for f in found if f.severity != "advice"]


@pytest.mark.parametrize("program", HEALTHY, ids=lambda program: program.__name__)
def test_correct_programs_are_not_accused(program):
    assert accusations(*program()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "side"),
    [("cifar_resnet20", 32), ("resnet50", 96), ("vgg16", 64), ("resnext50_32x4d", 96)],
)
def test_networks_of_the_catalog_are_not_accused(name, side):
    model = build(name, num_classes=10, image_size=side)
    x, y = pictures(side, count=32)
    data = (np.clip(x * 60 + 127, 0, 255), y)
    assert accusations(model, data, SPARSE, ["accuracy"]) == []


SICK = (
    [layers.Dense(3, activation="relu")],
    [layers.Dense(1, activation="softmax")],
    [layers.Dense(300)],
    [layers.Dense(64, kernel_initializer="zeros"), layers.ReLU(), layers.Dense(3)],
    [layers.Dense(9, activation="tanh"), layers.ReLU(), layers.Dense(3)],
    [
        layers.Dense(9),
        layers.Dropout(0.9),
        layers.BatchNormalization(),
        layers.Dense(3),
    ],
    [
        layers.Dense(64, bias_initializer=keras.initializers.Constant(-99)),
        layers.ReLU(),
    ],
    [layers.Lambda(lambda x: x * 2), layers.Dense(3, activation="softmax")],
    [layers.Dense(8, activation="sigmoid") for _ in range(12)],
)


@pytest.mark.parametrize("parts", SICK, ids=range(len(SICK)))
def test_a_finding_is_complete(parts):
    """Numbers and short strings as evidence, a cure, a known severity."""
    x, _ = rows()
    model = chain((x,), *parts)
    model.compile("sgd", SPARSE, metrics=["accuracy", "binary_accuracy"])
    probe = take_probe(model, (x, np.arange(len(x)) % 3), trials=False)
    found = [f for check in CHECKS for f in check.run(probe) or ()]
    assert found
    for finding in found:
        assert finding.severity in {"error", "warning", "advice"}
        assert 0 < finding.confidence <= 1
        assert finding.title.endswith(".")
        assert finding.why.endswith(".")
        assert finding.cure
        assert finding.snippet
        assert finding.effect.endswith(".")
        assert all(isinstance(v, int | float | str) for v in finding.evidence.values())


def test_each_check_has_its_page_code_and_label():
    folder = ROOT / "src" / "residency" / "doctor" / "checks" / "model"
    codes = Counter()
    for file in folder.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        if "CHECK = Check(" not in text:
            continue
        (code,) = set(re.findall(r'code="(RD\d+)"', text))
        (label,) = set(re.findall(r'label="(\w+)"', text))
        assert label in LABELS
        assert file.stem in (label, "lambda_closure")
        assert text.startswith(f'"""{code}: ')
        page = ROOT / "docs" / "doctor" / f"{code}.md"
        assert f"`{label}`" in page.read_text(encoding="utf-8")
        codes[code] += 1
    assert set(codes.values()) == {1}
    assert len(codes) == len(CHECKS)
