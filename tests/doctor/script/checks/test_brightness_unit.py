import pytest

from residency.doctor.script.checks.brightness_unit import check

SICK = (
    """\
import tensorflow as tf


def load(p):
    return tf.image.resize(tf.io.decode_jpeg(p), (9, 9))


def aug(x):
    return tf.image.random_brightness(x, 0.3)


ds.map(load).map(aug)
""",
    """\
import tensorflow as tf

MEAN = [123.68, 116.78, 103.94]


def f(x):
    x = tf.cast(x, tf.float32)
    x = tf.image.random_brightness(x, 0.3)
    return x - MEAN
""",
)
HEALTHY = (
    """\
import tensorflow as tf


def f(p):
    x = tf.io.decode_jpeg(p)
    x = tf.image.random_brightness(x, 0.3)
    return tf.cast(x, tf.float32)
""",
    """\
import tensorflow as tf


def f(x):
    return tf.image.random_brightness(x, 0.3)
""",
    """\
import tensorflow as tf


def f(p):
    x = tf.cast(tf.io.decode_jpeg(p), tf.float32) * (1.0 / 255)
    return tf.image.random_brightness(x, 0.3)
""",
    """\
import tensorflow as tf


def f(p):
    x = tf.cast(tf.io.decode_jpeg(p), tf.float32)
    return tf.image.random_brightness(x, 32.0)
""",
    """\
import tensorflow as tf


def load(p):
    return tf.image.convert_image_dtype(tf.io.decode_jpeg(p), tf.float32)


def aug(x):
    x = tf.image.resize(x, (9, 9))
    return tf.image.random_brightness(x, 0.3)


ds.map(load).map(aug)
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
