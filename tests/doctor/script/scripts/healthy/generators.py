"""Two generators, one per part, both with the weights' preprocessing."""

from tensorflow.keras.applications.vgg16 import VGG16, preprocess_input
from tensorflow.keras.layers import Dense, Flatten
from tensorflow.keras.models import Model
from tensorflow.keras.optimizers import SGD
from tensorflow.keras.preprocessing.image import ImageDataGenerator

train_datagen = ImageDataGenerator(
    preprocessing_function=preprocess_input,
    rotation_range=20,
    zoom_range=0.2,
    shear_range=0.2,
    brightness_range=(0.8, 1.2),
    horizontal_flip=True,
)
validation_datagen = ImageDataGenerator(preprocessing_function=preprocess_input)
train = train_datagen.flow_from_directory("cats/train", target_size=(224, 224), batch_size=32)
validation = validation_datagen.flow_from_directory("cats/valid", target_size=(224, 224), batch_size=32, shuffle=False)
base = VGG16(weights="imagenet", include_top=False, input_shape=(224, 224, 3))
base.trainable = False
outputs = Dense(2, activation="softmax")(Flatten()(base.output))
model = Model(inputs=base.input, outputs=outputs)
model.compile(optimizer=SGD(learning_rate=1e-3, momentum=0.9), loss="categorical_crossentropy", metrics=["accuracy"])
model.fit(train, steps_per_epoch=len(train), validation_data=validation, epochs=10)
