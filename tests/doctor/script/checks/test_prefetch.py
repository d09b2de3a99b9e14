import pytest

from residency.doctor.script.checks.prefetch import check

SICK = (
    """\
B = 64
ds.batch(B).prefetch(buffer_size=B)
""",
)
HEALTHY = (
    """\
import tensorflow as tf

ds.batch(128).prefetch(tf.data.AUTOTUNE)
""",
    """\
ds.prefetch(128).batch(128)
""",
    """\
ds.batch(2).prefetch(2)
""",
    """\
ds.batch(128).prefetch(16)
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
