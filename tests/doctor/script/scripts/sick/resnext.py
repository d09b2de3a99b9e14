"""Text 4: ResNeXt-29 on CIFAR-10, grouped convolution by slices."""

import keras
import numpy as np
from keras import backend as K
from keras import optimizers, regularizers
from keras.callbacks import LearningRateScheduler, ModelCheckpoint, ReduceLROnPlateau
from keras.datasets import cifar10
from keras.layers import Conv2D, Dense, GlobalAveragePooling2D, Input, Lambda, concatenate
from keras.models import Model
from keras.preprocessing.image import ImageDataGenerator

cardinality = 8
epochs = 300
batch_size = 64
(x_train, y_train), (x_test, y_test) = cifar10.load_data()
x_train = x_train.astype("float32")
x_test = x_test.astype("float32")
mean, std = [125.307, 122.95, 113.865], [62.9932, 62.0887, 66.7048]
for i in range(3):
    x_train[:, :, :, i] = (x_train[:, :, :, i] - mean[i]) / std[i]
    x_test[:, :, :, i] = (x_test[:, :, :, i] - mean[i]) / std[i]


def grouped(x, filters):
    width = filters // cardinality
    groups = []
    for c in range(cardinality):
        part = Lambda(lambda z: z[:, :, :, c * width : (c + 1) * width])(x)
        groups.append(Conv2D(width, 3, padding="same", kernel_regularizer=regularizers.l2(l=5e-4))(part))
    return concatenate(groups)


def scheduler(epoch):
    if epoch < 100:
        return 0.01
    if epoch < 200:
        return 0.001
    return 0.0001


inputs = Input((32, 32, 3))
x = grouped(Conv2D(64, 3)(inputs), 64)
print(K.int_shape(x))
outputs = Dense(10, activation="softmax", use_bias=False)(GlobalAveragePooling2D()(x))
model = Model(inputs, outputs)
sgd = optimizers.SGD(lr=0.1, momentum=0.9, nesterov=True)
model.compile(loss="categorical_crossentropy", optimizer=sgd, metrics=["accuracy"])
plateau = ReduceLROnPlateau(monitor="val_loss", factor=np.sqrt(0.1), epsilon=0.001, patience=10, min_lr=1e-6)
callbacks = [LearningRateScheduler(scheduler), plateau]
datagen = ImageDataGenerator(horizontal_flip=True, width_shift_range=0.125, height_shift_range=0.125, fill_mode="constant", cval=0.0)
model.fit_generator(
    datagen.flow(x_train, keras.utils.to_categorical(y_train, 10), batch_size=batch_size),
    steps_per_epoch=50000 // batch_size + 1,
    epochs=epochs,
    callbacks=callbacks,
    validation_data=(x_test, keras.utils.to_categorical(y_test, 10)),
)
