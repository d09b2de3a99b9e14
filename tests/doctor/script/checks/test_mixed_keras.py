import pytest

from residency.doctor.script.checks.mixed_keras import check

SICK = (
    """\
import keras
import tensorflow as tf

tf.keras.utils.set_random_seed(1)
""",
    """\
from tensorflow.python.keras import layers
from tensorflow.keras import models
""",
)
HEALTHY = (
    """\
import tensorflow as tf
import keras

tf.data.Dataset
""",
    """\
from tensorflow import keras
from tensorflow.keras import layers
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
