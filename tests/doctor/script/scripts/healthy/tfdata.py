"""tf.data with shared preparation; only training is shuffled and augmented."""

import pathlib
import random

import keras
import tensorflow as tf
from keras import layers

BATCH_SIZE = 32
AUTOTUNE = tf.data.AUTOTUNE
root = pathlib.Path("flowers")
class_names = sorted(p.name for p in root.iterdir() if p.is_dir())
files = sorted(str(p) for p in root.glob("*/*.jpg"))
random.Random(7).shuffle(files)
held_out = len(files) // 5


def load(path):
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    image = tf.image.resize(image, (180, 180))
    parts = tf.strings.split(path, "/")
    return image, tf.argmax(parts[-2] == class_names)


def augment(image, label):
    image = tf.image.random_flip_left_right(image)
    image = tf.image.random_brightness(image, 0.1 * 255)
    image = tf.image.random_saturation(image, 0.7, 1.3)
    choice = tf.random.uniform([], 0, 3, dtype=tf.int32)
    if choice == 0:
        image = tf.image.random_contrast(image, 0.8, 1.2)
    elif choice == 2:
        image = tf.image.random_hue(image, 0.05)
    return tf.clip_by_value(image, 0.0, 255.0), label


def prepare(dataset, training=False):
    dataset = dataset.map(load, num_parallel_calls=AUTOTUNE)
    if training:
        dataset = dataset.map(augment, num_parallel_calls=AUTOTUNE)
        dataset = dataset.shuffle(200)
    return dataset.batch(BATCH_SIZE).prefetch(AUTOTUNE)


train = prepare(tf.data.Dataset.from_tensor_slices(files[held_out:]), training=True)
validation = prepare(tf.data.Dataset.from_tensor_slices(files[:held_out]))
model = keras.Sequential(
    [
        layers.Rescaling(1.0 / 255),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(len(class_names)),
    ]
)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
model.fit(train, validation_data=validation, epochs=15)
