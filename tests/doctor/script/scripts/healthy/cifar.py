"""Keras 3: a small network from nothing, arrays, step schedule, held-out validation."""

import keras
import numpy as np
from keras import layers, optimizers
from sklearn.model_selection import train_test_split

EPOCHS = 200
(x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
x_train = x_train.astype("float32") / 255
x_test = x_test.astype("float32") / 255
mean = np.array([0.4914, 0.4822, 0.4465])
std = np.array([0.247, 0.2435, 0.2616])
x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
x_train, x_val, y_train, y_val = train_test_split(x_train, y_train, test_size=0.1, stratify=y_train)


def schedule(epoch):
    rate = 1e-1
    if epoch > 180:
        rate *= 0.5e-3
    elif epoch > 160:
        rate *= 1e-3
    elif epoch > 120:
        rate *= 1e-2
    elif epoch > 80:
        rate *= 1e-1
    return rate


model = keras.Sequential(
    [
        keras.Input((32, 32, 3)),
        layers.RandomFlip("horizontal"),
        layers.Conv2D(32, 3, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10),
    ]
)
model.compile(
    optimizer=optimizers.SGD(learning_rate=schedule(0), momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(
    x_train,
    y_train,
    batch_size=128,
    epochs=EPOCHS,
    validation_data=(x_val, y_val),
    callbacks=[keras.callbacks.LearningRateScheduler(schedule)],
)
print(model.evaluate(x_test, y_test))
