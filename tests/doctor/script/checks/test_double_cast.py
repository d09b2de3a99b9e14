import pytest

from residency.doctor.script.checks.double_cast import check

SICK = (
    """\
import tensorflow as tf

x = tf.cast(tf.cast(x, tf.float32), tf.float32)
""",
    """\
import tensorflow as tf

x = tf.cast(x, tf.float32)
x = tf.image.resize(tf.cast(x, dtype="float32"), (8, 8))
""",
    """\
import numpy as np

x = x.astype("float32").astype(np.float32)
""",
    """\
import keras

x = keras.ops.cast(keras.ops.cast(x, "int32"), "int32")
""",
)
HEALTHY = (
    """\
import tensorflow as tf

x = tf.cast(tf.cast(x, tf.uint8), tf.float32)
""",
    """\
import tensorflow as tf

x = tf.cast(x, tf.float32)
x = x / 255
x = tf.cast(x, tf.float32)
""",
    """\
import tensorflow as tf

if flag:
    x = tf.cast(x, tf.float32)
x = tf.cast(x, tf.float32)
""",
    """\
import tensorflow as tf

x, y = tf.cast(x, tf.float32), tf.cast(y, tf.float32)
""",
    """\
x = x.astype(kind).astype(kind)
""",
    """\
import tensorflow as tf

x = tf.cast(x, tf.float32)
y = tf.cast(z, tf.float32)
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
