import pytest

from residency.doctor.script.checks.brightness_unit import check

SICK = (
    "import tensorflow as tf\ndef load(p):\n    return tf.image.resize(tf.io.decode_jpeg(p), (9, 9))\ndef aug(x):\n    return tf.image.random_brightness(x, 0.3)\nds.map(load).map(aug)",
    "import tensorflow as tf\nMEAN = [123.68, 116.78, 103.94]\ndef f(x):\n    x = tf.cast(x, tf.float32)\n    x = tf.image.random_brightness(x, 0.3)\n    return x - MEAN",
)
HEALTHY = (
    "import tensorflow as tf\ndef f(p):\n    x = tf.io.decode_jpeg(p)\n    x = tf.image.random_brightness(x, 0.3)\n    return tf.cast(x, tf.float32)",
    "import tensorflow as tf\ndef f(x):\n    return tf.image.random_brightness(x, 0.3)",
    "import tensorflow as tf\ndef f(p):\n    x = tf.cast(tf.io.decode_jpeg(p), tf.float32) * (1. / 255)\n    return tf.image.random_brightness(x, 0.3)",
    "import tensorflow as tf\ndef f(p):\n    x = tf.cast(tf.io.decode_jpeg(p), tf.float32)\n    return tf.image.random_brightness(x, 32.)",
    "import tensorflow as tf\ndef load(p):\n    return tf.image.convert_image_dtype(tf.io.decode_jpeg(p), tf.float32)\ndef aug(x):\n    x = tf.image.resize(x, (9, 9))\n    return tf.image.random_brightness(x, 0.3)\nds.map(load).map(aug)",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
