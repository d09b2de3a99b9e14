import pytest

from residency.doctor.script.checks.shuffle import check

SICK = (
    """\
import keras

t = keras.utils.image_dataset_from_directory("t", shuffle=False)
m.fit(t, epochs=1)
""",
    """\
import tensorflow as tf

d = tf.data.Dataset.list_files("*/*", shuffle=False)
m.fit(d, epochs=1)
""",
)
HEALTHY = (
    """\
import glob, random, tensorflow as tf

f = glob.glob("*/*")
random.shuffle(f)
d = tf.data.Dataset.from_tensor_slices(f).shuffle(10)
m.fit(d, epochs=1)
""",
    """\
import tensorflow as tf

d = tf.data.Dataset.list_files("*/*").shuffle(10)
m.fit(d, epochs=1)
""",
    """\
import glob, tensorflow as tf

d = tf.data.Dataset.from_tensor_slices(glob.glob("*/*")).shuffle(10000)
m.fit(d, epochs=1)
""",
    """\
import tensorflow as tf

d = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(10)
m.fit(d, epochs=1)
""",
    """\
import keras

t = keras.utils.image_dataset_from_directory("t")
v = keras.utils.image_dataset_from_directory("v", shuffle=False)
m.fit(t, validation_data=v, epochs=1)
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
