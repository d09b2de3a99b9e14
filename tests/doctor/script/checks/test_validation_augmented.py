import pytest

from residency.doctor.script.checks.validation_augmented import check

SICK = (
    "import tensorflow as tf\ndef aug(x, y):\n    return tf.image.random_flip_left_right(x), y\nd = ds.map(aug)\nm.fit(d.take(9), validation_data=d.skip(9), epochs=1)",
    "import keras\nflip = keras.layers.RandomFlip()\nv = ds.map(lambda x, y: (flip(x, training=True), y))\nm.fit(t, validation_data=v, epochs=1)",
)
HEALTHY = (
    "from keras.preprocessing.image import ImageDataGenerator\ng = ImageDataGenerator(rescale=1/255, rotation_range=0, horizontal_flip=False)\nm.fit(a, validation_data=g.flow(x), epochs=1)",
    "import tensorflow as tf\ndef aug(x, y):\n    return tf.image.random_flip_left_right(x), y\nt = ds.map(load).map(aug)\nv = ds.map(load)\nm.fit(t, validation_data=v, epochs=1)",
    "import keras\nflip = keras.layers.RandomFlip()\nv = ds.map(lambda x, y: (flip(x, training=False), y))\nm.fit(t, validation_data=v, epochs=1)",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
