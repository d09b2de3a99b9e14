import pytest

from residency.doctor.script.checks.validation_augmented import check

SICK = (
    """\
import tensorflow as tf


def aug(x, y):
    return tf.image.random_flip_left_right(x), y


d = ds.map(aug)
m.fit(d.take(9), validation_data=d.skip(9), epochs=1)
""",
    """\
import keras

flip = keras.layers.RandomFlip()
v = ds.map(lambda x, y: (flip(x, training=True), y))
m.fit(t, validation_data=v, epochs=1)
""",
)
HEALTHY = (
    """\
from keras.preprocessing.image import ImageDataGenerator

g = ImageDataGenerator(rescale=1 / 255, rotation_range=0, horizontal_flip=False)
m.fit(a, validation_data=g.flow(x), epochs=1)
""",
    """\
import tensorflow as tf


def aug(x, y):
    return tf.image.random_flip_left_right(x), y


t = ds.map(load).map(aug)
v = ds.map(load)
m.fit(t, validation_data=v, epochs=1)
""",
    """\
import keras

flip = keras.layers.RandomFlip()
v = ds.map(lambda x, y: (flip(x, training=False), y))
m.fit(t, validation_data=v, epochs=1)
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
