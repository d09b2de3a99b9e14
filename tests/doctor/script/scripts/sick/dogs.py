"""Text 2: VGG16 works, ResNet50 is stuck at one half."""

import matplotlib.pyplot as plt
from keras.applications import ResNet50
from keras.layers import Dense, Dropout, Flatten
from keras.models import Sequential
from keras.preprocessing.image import ImageDataGenerator

NUM_TRAIN, NUM_VALID, BATCH = 2000, 1000, 20
datagen = ImageDataGenerator(
    rescale=1.0 / 255,
    rotation_range=40,
    width_shift_range=0.2,
    height_shift_range=0.2,
    brightness_range=(0.2, 0.7),
    shear_range=45.0,
    zoom_range=60,
    horizontal_flip=True,
    vertical_flip=True,
)
train = datagen.flow_from_directory("dogs/train", target_size=(150, 150), batch_size=BATCH, class_mode="binary")
valid = datagen.flow_from_directory("dogs/validation", target_size=(150, 150), batch_size=BATCH, class_mode="binary")
base = ResNet50(weights="imagenet", include_top=False, input_shape=(150, 150, 3))
for layer in base.layers[:-8]:
    layer.trainable = False
model = Sequential([base, Flatten(), Dense(256, activation="relu"), Dropout(0.4), Dense(1, activation="sigmoid")])
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit_generator(
    train,
    steps_per_epoch=NUM_TRAIN / BATCH,
    epochs=15,
    validation_data=valid,
    validation_steps=NUM_VALID / BATCH,
)
val_acc = history.history["val_acc"]
plt.plot(history.history["loss"], "bo", label="Training Loss")
plt.plot(val_acc, "r.", label="Validation Loss")
