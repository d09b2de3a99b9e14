import pytest

from residency.doctor.script.checks.shuffle import check

SICK = (
    "import keras\nt = keras.utils.image_dataset_from_directory('t', shuffle=False)\nm.fit(t, epochs=1)",
    "import tensorflow as tf\nd = tf.data.Dataset.list_files('*/*', shuffle=False)\nm.fit(d, epochs=1)",
)
HEALTHY = (
    "import glob, random, tensorflow as tf\nf = glob.glob('*/*')\nrandom.shuffle(f)\nd = tf.data.Dataset.from_tensor_slices(f).shuffle(10)\nm.fit(d, epochs=1)",
    "import tensorflow as tf\nd = tf.data.Dataset.list_files('*/*').shuffle(10)\nm.fit(d, epochs=1)",
    "import glob, tensorflow as tf\nd = tf.data.Dataset.from_tensor_slices(glob.glob('*/*')).shuffle(10000)\nm.fit(d, epochs=1)",
    "import tensorflow as tf\nd = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(10)\nm.fit(d, epochs=1)",
    "import keras\nt = keras.utils.image_dataset_from_directory('t')\nv = keras.utils.image_dataset_from_directory('v', shuffle=False)\nm.fit(t, validation_data=v, epochs=1)",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
