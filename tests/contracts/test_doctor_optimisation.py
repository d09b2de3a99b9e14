"""All checks of optimisation on trainings that are as they should be: no alarm."""

import keras
import numpy as np
import pytest

from residency.doctor.checks.optimisation import CHECKS
from residency.doctor.probe import take_probe

SCHEDULES = keras.optimizers.schedules


def images(count, classes=4, noise=1.0):
    rng = np.random.default_rng(0)
    y = np.arange(count) % classes
    x = rng.normal(0, noise, (count, 12, 12, 3))
    x += np.cos(y[:, None] * np.arange(1, 4))[:, None, None, :]
    return x.astype("float32"), y


def plain(**settings):
    return [
        keras.layers.Conv2D(8, 3, activation="relu", **settings),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(16, 3, activation="relu", **settings),
        keras.layers.Flatten(),
        keras.layers.Dropout(0.5),
    ]


def normalised(**settings):
    layers = []
    for width in (8, 16, 16):
        layers += [
            keras.layers.Conv2D(
                width,
                3,
                padding="same",
                use_bias=False,
                kernel_initializer="he_normal",
                **settings,
            ),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
        ]
    return [*layers, keras.layers.GlobalAveragePooling2D()]


def frozen_body():
    return [
        keras.layers.Conv2D(32, 3, strides=2, activation="relu", trainable=False),
        keras.layers.GlobalAveragePooling2D(),
    ]


def by_epoch(epoch):
    return 0.1 if epoch < 10 else 0.01


def sgd(rate=0.1, **settings):
    return keras.optimizers.SGD(rate, momentum=0.9, **settings)


L2 = keras.regularizers.L2
HEALTHY = {
    "keras.io: Adam, batch 32": (plain, keras.optimizers.Adam(1e-3), 32, 10, ()),
    "RMSprop": (plain, "rmsprop", 32, 10, ()),
    "plain SGD": (plain, keras.optimizers.SGD(0.01, momentum=0.9), 32, 30, ()),
    "SGD 0.1 with normalisation": (normalised, sgd(nesterov=True), 32, 20, ()),
    "and the paper's L2": (
        lambda: normalised(kernel_regularizer=L2(5e-4)),
        sgd(),
        32,
        20,
        (),
    ),
    "L2 of 0.01 without": (
        lambda: plain(kernel_regularizer=L2(0.01)),
        "adam",
        32,
        20,
        (),
    ),
    "scheduler from the written rate": (
        normalised,
        sgd(),
        32,
        20,
        (keras.callbacks.LearningRateScheduler(by_epoch),),
    ),
    "warm-up and cosine": (
        normalised,
        sgd(SCHEDULES.CosineDecay(0.0, 140, warmup_target=0.2, warmup_steps=20)),
        32,
        20,
        (),
    ),
    "AdamW as it comes": (normalised, keras.optimizers.AdamW(1e-3), 32, 20, ()),
    "Adadelta of Keras 2": (plain, keras.optimizers.Adadelta(1.0), 32, 12, ()),
    "small batches": (normalised, sgd(0.02), 8, 10, ()),
    "one large batch, long": (plain, "adam", 256, 200, ()),
    "fine-tuning rate, long": (plain, keras.optimizers.Adam(1e-5), 32, 2000, ()),
    "a head on a frozen body": (frozen_body, keras.optimizers.Adam(1e-3), 32, 60, ()),
    "stopping and keeping": (
        plain,
        "adam",
        32,
        30,
        (
            keras.callbacks.EarlyStopping(monitor="val_loss", patience=5),
            keras.callbacks.ReduceLROnPlateau(monitor="val_accuracy", patience=3),
        ),
    ),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_no_alarm(name):
    make, optimizer, batch_size, epochs, callbacks = HEALTHY[name]
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((12, 12, 3)), *make(), keras.layers.Dense(4, activation="softmax")]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = images(256)
    order = np.random.default_rng(2).permutation(len(y))
    data = [
        (x[order[n : n + batch_size]], y[order[n : n + batch_size]])
        for n in range(0, len(y), batch_size)
    ]
    probe = take_probe(
        model,
        Batches(data),
        images(32),
        epochs=epochs,
        callbacks=callbacks,
        budget_seconds=6,
    )
    assert probe.raised == {}
    found = [f for check in CHECKS for f in check.run(probe) or ()]
    assert [(f.code, f.title) for f in found if f.severity != "advice"] == []


class Batches(keras.utils.PyDataset):
    def __init__(self, data):
        super().__init__()
        self.data = data

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        return self.data[index]
