"""Keras 3: EfficientNet rescales by itself."""

import keras
import tensorflow as tf
from keras import layers

IMG_SIZE, BATCH, CLASSES = 224, 64, 120
train = keras.utils.image_dataset_from_directory("dogs/train", image_size=(IMG_SIZE, IMG_SIZE), batch_size=BATCH)
test = keras.utils.image_dataset_from_directory("dogs/val", image_size=(IMG_SIZE, IMG_SIZE), batch_size=BATCH)
augmentation = [layers.RandomRotation(0.15), layers.RandomTranslation(0.1, 0.1), layers.RandomContrast(0.1)]


def augment(images):
    for layer in augmentation:
        images = layer(images)
    return images


train = train.map(lambda x, y: (augment(x), tf.one_hot(y, CLASSES))).prefetch(tf.data.AUTOTUNE)
test = test.map(lambda x, y: (x, tf.one_hot(y, CLASSES))).prefetch(tf.data.AUTOTUNE)
inputs = layers.Input((IMG_SIZE, IMG_SIZE, 3))
model = keras.Sequential([inputs, keras.applications.EfficientNetB0(include_top=False, weights="imagenet", pooling="avg"), layers.Dense(CLASSES, "softmax")])
model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
model.fit(train, epochs=40, validation_data=test)
