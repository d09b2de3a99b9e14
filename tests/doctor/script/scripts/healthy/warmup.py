"""A schedule that owns the rate, warm-up first, and ImageNet statistics by hand."""

import math

import keras
import numpy as np
import torch
from keras import layers

IMAGES, BATCH, EPOCHS = 10_000, 128, 90
MEAN = np.array([123.675, 116.28, 103.53], "float32")
STD = np.array([58.395, 57.12, 57.375], "float32")
peak = 0.1 * BATCH / 256


def rate(epoch, current):
    if epoch < 5:
        return peak * (epoch + 1) / 5
    return 0.5 * peak * (1 + math.cos(math.pi * (epoch - 5) / (EPOCHS - 5)))


class Photos(torch.utils.data.Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return (self.images[index] - MEAN) / STD, self.labels[index]


images = np.zeros((IMAGES, 64, 64, 3), "uint8")
loader = torch.utils.data.DataLoader(Photos(images, np.zeros(IMAGES, int)), batch_size=BATCH, shuffle=True)
inputs = keras.Input((64, 64, 3))
x = layers.Conv2D(32, 3, strides=2, use_bias=False, kernel_regularizer=keras.regularizers.L2(5e-5))(inputs)
x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
model = keras.Model(inputs, layers.Dense(100, activation="softmax")(layers.GlobalAveragePooling2D()(x)))
optimizer = keras.optimizers.SGD(learning_rate=peak, momentum=0.9, nesterov=True)
model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(
    loader,
    epochs=EPOCHS,
    steps_per_epoch=math.ceil(IMAGES / BATCH),
    callbacks=[keras.callbacks.LearningRateScheduler(rate)],
)
