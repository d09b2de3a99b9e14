"""A network of the -1..1 family, scaled by a Rescaling layer inside the model."""

import keras
from keras import layers

train_ds = keras.utils.image_dataset_from_directory("x/train", image_size=(299, 299), label_mode="categorical")
val_ds = keras.utils.image_dataset_from_directory("x/val", image_size=(299, 299), label_mode="categorical", shuffle=False)
body = keras.applications.Xception(weights="imagenet", include_top=False, input_shape=(299, 299, 3))
body.trainable = False
inputs = keras.Input((299, 299, 3))
x = layers.Rescaling(scale=1 / 127.5, offset=-1)(inputs)
x = body(x, training=False)
outputs = layers.Dense(7, "softmax")(layers.GlobalAveragePooling2D()(x))
model = keras.Model(inputs, outputs)
schedule = keras.optimizers.schedules.CosineDecay(1e-3, decay_steps=5000)
model.compile(keras.optimizers.Adam(schedule), loss="categorical_crossentropy", metrics=["acc"])
history = model.fit(train_ds, validation_data=val_ds, epochs=20).history
best = max(history["val_acc"])
