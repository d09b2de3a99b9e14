"""Text 0: a folder of cars, ImageNet weights, tf.data, colour augmentation."""

import glob
import os
import random

import tensorflow as tf
import tensorflow_addons as tfa
from settings import BATCH_SIZE, CHANNELS, EPOCHS

SIZE = 224
class_names = [os.path.basename(p) for p in glob.glob("cars/*")]
files = glob.glob("cars/*/*.jpg")


def pick(count):
    return tf.random.uniform((), 0, count, dtype=tf.int32)


def geometry(image):
    choice = pick(3)
    if choice == 0:
        image = tf.image.random_flip_left_right(image)
    elif choice == 1:
        image = tf.image.random_crop(image, (200, 200, 3))
    elif choice == 2:
        image = tfa.image.rotate(image, 0.2)
    elif choice == 3:
        image = tf.image.random_jpeg_quality(image, 25, 35)
    return image


def colour(image):
    choice = pick(4)
    if choice == 1:
        image = tf.image.random_contrast(image, 0.3, 2)
    elif choice == 2:
        image = tf.image.random_saturation(image, 2, 4)
    elif choice == 3:
        image = tf.image.random_hue(image, 0.5)
    elif choice == 4:
        image = tf.image.random_brightness(image, 0.4)
    return image


def load(path):
    label = tf.strings.split(path, os.sep)[-2] == class_names
    image = tf.image.decode_jpeg(tf.io.read_file(path), channels=CHANNELS)
    image = tf.image.convert_image_dtype(image, tf.float32)
    image = tf.image.resize_with_pad(image, SIZE, SIZE)
    return image, label


def augment(image, label):
    return colour(geometry(image)), label


train = tf.data.Dataset.from_tensor_slices(files)
train = train.map(load).map(augment)
train = train.shuffle(100).batch(BATCH_SIZE).prefetch(tf.data.experimental.AUTOTUNE)
test = tf.data.Dataset.from_tensor_slices(files[-1000:]).map(load).batch(BATCH_SIZE)


def schedule(epoch):
    rate = 0.1
    if epoch >= 80:
        rate = 0.01
    if epoch >= 120:
        rate = 0.001
    print("rate", rate)
    return rate


model = tf.keras.Sequential(
    [
        tf.keras.applications.ResNet50(include_top=False, weights="imagenet", input_shape=(SIZE, SIZE, 3)),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(len(class_names), activation="softmax"),
    ]
)
optimizer = tf.keras.optimizers.SGD(learning_rate=0.1, momentum=0.9, decay=0.0001)
model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
board = tf.keras.callbacks.TensorBoard("logs/simple", update_freq="batch")
rate = tf.keras.callbacks.LearningRateScheduler(schedule)
model.fit(train, validation_data=test, epochs=EPOCHS, callbacks=[board, rate])
