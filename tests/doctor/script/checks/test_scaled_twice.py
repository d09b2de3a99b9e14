import pytest

from residency.doctor.script.checks.scaled_twice import check

SICK = (
    """\
import keras

d = ds.map(lambda x: x / 255)
m = keras.Sequential([keras.layers.Rescaling(1 / 255)])
m.compile("sgd")
m.fit(d, epochs=1)
""",
    """\
import keras
from keras.applications.vgg16 import preprocess_input

m.fit(ds.map(lambda x: preprocess_input(x / 255)), epochs=1)
""",
    """\
import tensorflow as tf


def f(x):
    return tf.image.convert_image_dtype(tf.io.decode_jpeg(x), tf.float32) / 255.0


m.fit(ds.map(f), epochs=1)
""",
)
HEALTHY = (
    """\
import tensorflow as tf


def f(x):
    x = tf.image.resize(x, (9, 9))
    return tf.image.convert_image_dtype(x, tf.float32) / 255.0


m.fit(ds.map(f), epochs=1)
""",
    """\
import tensorflow as tf


def f(x):
    x = tf.image.convert_image_dtype(x, tf.float32)
    return tf.image.convert_image_dtype(x, tf.float32)


m.fit(ds.map(f), epochs=1)
""",
    """\
import keras

d = ds.map(lambda x: x / 255)
m = keras.Sequential([keras.layers.Dense(1)])
m.compile("sgd")
m.fit(d, epochs=1)
""",
    """\
import keras

r = keras.layers.Rescaling(1 / 255)
d = ds.map(lambda x: r(x))
m.compile("sgd")
m.fit(d, epochs=1)
""",
    """\
import keras
from keras.applications.efficientnet import preprocess_input

m.fit(ds.map(lambda x: preprocess_input(x / 255)), epochs=1)
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
