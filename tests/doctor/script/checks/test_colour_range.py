import pytest

from residency.doctor.script.checks.colour_range import check

SICK = (
    """\
import tensorflow as tf

tf.image.random_contrast(x, lower=0.1, upper=0.5)
""",
    """\
import tensorflow as tf

tf.image.stateless_random_hue(x, 0.5, seed)
""",
)
HEALTHY = (
    """\
import tensorflow as tf

tf.image.random_saturation(x, 0.5, 1.5)
tf.image.random_hue(x, 0.1)
tf.image.random_contrast(x, lower=1, upper=2)
""",
    """\
import tensorflow as tf

tf.image.random_saturation(x, a, b)
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
