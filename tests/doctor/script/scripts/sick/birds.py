"""Text 1: ResNet-50 from blocks, h5 weights, four kinds of birds."""

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import layers
from tensorflow.keras.layers import Activation, BatchNormalization, Conv2D, Dense, Flatten, Input
from tensorflow.keras.models import Model

class_names = ["Bananaquit", "Black Skimmer", "Black Throated Bushtiti", "Cockatoo"]
train_ds = tf.keras.preprocessing.image_dataset_from_directory(
    "bird_photos", validation_split=0.2, subset="training", seed=123, image_size=(224, 224), batch_size=8
)
val_ds = tf.keras.preprocessing.image_dataset_from_directory(
    "bird_photos", validation_split=0.2, subset="validation", seed=123, image_size=(224, 224), batch_size=8
)
train_ds = train_ds.cache().shuffle(1000).prefetch(tf.data.AUTOTUNE)


def block(x, filters, name):
    y = Conv2D(filters, 1, name=name + "_a")(x)
    y = BatchNormalization(name=name + "_bn")(y)
    y = Activation("relu")(y)
    return layers.add([y, x])


def resnet(classes=1000):
    inputs = Input((224, 224, 3))
    x = Conv2D(64, 7, strides=2)(inputs)
    for n in range(3):
        x = block(x, 64, f"res2{n}")
    x = Flatten()(x)
    x = Dense(classes, activation="softmax", name="fc1000")(x)
    return Model(inputs, x)


model = resnet()
model.load_weights("resnet50_weights_tf_dim_ordering_tf_kernels.h5")
opt = tf.keras.optimizers.Adam(learning_rate=1e-7)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(train_ds, validation_data=val_ds, epochs=10)
plt.plot(history.history["accuracy"], label="Training Accuracy")
for images, labels in val_ds.take(1):
    for i in range(8):
        img = tf.expand_dims(images[i], 0)
        predictions = model.predict(img)
        print(class_names[np.argmax(predictions)])
