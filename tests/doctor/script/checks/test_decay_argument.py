import pytest

from residency.doctor.script.checks.decay_argument import check

SICK = (
    """\
import keras

keras.optimizers.Adam(1e-3, decay=1e-3 / 50)
""",
    """\
import tensorflow as tf

tf.keras.optimizers.RMSprop(1e-3, decay=1e-6)
""",
)
HEALTHY = (
    """\
import keras

keras.optimizers.SGD(0.1, decay=0.0)
""",
    """\
import keras

keras.optimizers.SGD(0.1, weight_decay=1e-4)
""",
    """\
keras_like.SGD(decay=1)
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
