import pytest

from residency.doctor.script.checks.small_shift import check

SICK = (
    """\
import tensorflow as tf

x = tf.image.resize_with_crop_or_pad(x, 232, 232)
x = tf.image.random_crop(x, (224, 224, 3))
""",
    """\
import tensorflow as tf

H, W, BATCH = 224, 224, 16
x = tf.image.random_crop(
    tf.image.resize_with_crop_or_pad(x, H + 8, W + 8), size=[H, W, 3]
)
""",
    """\
import tensorflow as tf

def pad(image):
    return tf.pad(image, [[4, 4], [4, 4], [0, 0]])


x = tf.image.random_crop(pad(x), [224, 224, 3])
""",
    """\
from keras import layers

parts = [layers.ZeroPadding2D(4), layers.RandomCrop(224, 224)]
""",
    """\
from keras import layers

x = layers.ZeroPadding2D(4)(x)
x = layers.RandomCrop(224, 224)(x)
""",
    """\
from torchvision import transforms

crop = transforms.RandomCrop(224, padding=4)
""",
)
HEALTHY = (
    """\
import tensorflow as tf

x = tf.image.resize_with_crop_or_pad(x, 40, 40)
x = tf.image.random_crop(x, (32, 32, 3))
""",
    """\
import tensorflow as tf

x = tf.image.resize(x, (230, 230))
x = tf.image.random_crop(x, (224, 224, 3))
""",
    """\
import tensorflow as tf

x = tf.image.resize_with_crop_or_pad(x, side + 8, side + 8)
x = tf.image.random_crop(x, (side, side, 3))
""",
    """\
import tensorflow as tf

x = tf.image.resize_with_crop_or_pad(x, 224, 224)
x = tf.image.random_crop(x, (224, 224, 3))
""",
    """\
from keras import layers

parts = [layers.ZeroPadding2D(3), layers.Conv2D(64, 7), layers.RandomCrop(224, 224)]
""",
    """\
from torchvision import transforms

crops = [transforms.RandomCrop(32, padding=4), transforms.RandomCrop(224)]
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []


def test_the_share_is_told(findings):
    (found,) = findings(check, SICK[0])
    assert found.severity == "advice"
    assert found.evidence == {"padding": 4.0, "side": 224, "share": 4 / 224}
