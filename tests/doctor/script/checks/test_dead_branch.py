import pytest

from residency.doctor.script.checks.dead_branch import check

SICK = (
    """\
import numpy as np

c = np.random.randint(3)
if c == 3:
    pass
""",
    """\
import random

c = random.randrange(0, 3)
if c >= 3:
    pass
""",
    """\
import tensorflow as tf


def pick(n):
    return int(tf.random.uniform((), maxval=n, dtype="int32"))


c = pick(3)
if c == 3:
    pass
""",
)
HEALTHY = (
    """\
import random

c = random.randint(0, 3)
if c == 3:
    pass
""",
    """\
import numpy as np

rng = np.random.default_rng()
c = rng.integers(0, 3, endpoint=True)
if c == 3:
    pass
""",
    """\
import tensorflow as tf

c = tf.random.uniform(())
if c > 0.5:
    pass
""",
    """\
import numpy as np

c = np.random.randint(n)
if c == 3:
    pass
""",
    """\
import numpy as np

c = np.random.randint(0, 3)
if c < 3:
    pass
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
