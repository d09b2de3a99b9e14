"""Text 3: ImageNet with a loop of its own."""

import tensorflow as tf
from tensorflow.keras.mixed_precision import experimental as mixed_precision

BATCH = 128
EPOCHS = 80
STEPS = 10000
mixed_precision.set_policy("mixed_float16")
MEAN = [123.68, 116.779, 109.939]
STD = [58.393, 57.12, 57.375]


def parse(record):
    features = tf.io.parse_single_example(record, {"image": tf.io.FixedLenFeature([], tf.string)})
    image = tf.image.decode_jpeg(features["image"], channels=3)
    image = tf.cast(image, tf.float32)
    image = tf.image.resize(image, (224, 224))
    image = tf.image.random_flip_left_right(image)
    image = tf.image.random_hue(image, 0.3)
    image = tf.image.random_saturation(image, 0.6, 1.4)
    image = tf.image.random_brightness(image, 0.3)
    return (image - MEAN) / STD, 0


data = tf.data.TFRecordDataset(tf.io.gfile.glob("train/*"))
data = data.map(parse).shuffle(12800).repeat(10).batch(BATCH).prefetch(BATCH)
model = tf.keras.Sequential([tf.keras.layers.Conv2D(32, 3), tf.keras.layers.GlobalAveragePooling2D()])
optimizer = tf.keras.optimizers.SGD(lr=0.02, momentum=0.9)
iterator = iter(data)
for epoch in range(EPOCHS):
    for step in range(STEPS):
        images, labels = next(iterator)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(images, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
