"""Several bodies in one script, each with its own preprocessing; a study of rates."""

import keras
from keras.applications import densenet, mobilenet_v2, vgg16

BODIES = {
    "vgg": (vgg16.VGG16, vgg16.preprocess_input),
    "mobile": (mobilenet_v2.MobileNetV2, mobilenet_v2.preprocess_input),
    "dense": (densenet.DenseNet121, densenet.preprocess_input),
}
OPTIMIZERS = {"sgd": keras.optimizers.SGD(0.01, momentum=0.9), "adam": keras.optimizers.Adam(1e-4)}


def build(name, classes):
    make, prepare = BODIES[name]
    body = make(include_top=False, weights="imagenet", pooling="avg", input_shape=(224, 224, 3))
    body.trainable = False
    inputs = keras.Input((224, 224, 3))
    features = body(prepare(inputs), training=False)
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(features))


train, val = keras.utils.image_dataset_from_directory("photos", validation_split=0.2, subset="both", seed=3, image_size=(224, 224))
for name in BODIES:
    for rule, optimizer in OPTIMIZERS.items():
        model = build(name, 5)
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        checkpoint = keras.callbacks.ModelCheckpoint(f"{name}-{rule}.keras", save_best_only=True)
        model.fit(train, validation_data=val, epochs=5, callbacks=[checkpoint])
