"""Keras 3: transfer learning with a frozen body, images through preprocess_input."""

import keras
from keras import layers
from keras.applications import ResNet50
from keras.applications.resnet import preprocess_input

train, validation = keras.utils.image_dataset_from_directory(
    "photos", validation_split=0.2, subset="both", seed=1, image_size=(224, 224)
)
base = ResNet50(include_top=False, weights="imagenet", pooling="avg")
base.trainable = False
inputs = keras.Input((224, 224, 3))
x = layers.RandomFlip("horizontal")(inputs)
x = layers.RandomRotation(0.05)(x)
x = layers.Lambda(preprocess_input)(x)
x = base(x, training=False)
outputs = layers.Dense(4, activation="softmax")(layers.Dropout(0.2)(x))
model = keras.Model(inputs, outputs)
model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", ["accuracy"])
stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
history = model.fit(train, validation_data=validation, epochs=30, callbacks=[stop])
print(history.history["val_accuracy"][-1])
