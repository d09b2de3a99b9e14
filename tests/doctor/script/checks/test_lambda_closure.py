import pytest

from residency.doctor.script.checks.lambda_closure import check

SICK = (
    """\
from keras.layers import Lambda

xs = [Lambda(lambda z: z[c])(x) for c in range(3)]
""",
    """\
import tensorflow as tf

for c in range(3):
    low = c * 4
    tf.keras.layers.Lambda(lambda z: z[low:])(x)
""",
    """\
from keras.layers import Lambda

for c in range(3):

    def cut(z):
        return z[c]

    Lambda(cut)(x)
""",
)
HEALTHY = (
    """\
from keras import layers

for c in range(3):
    layers.Lambda(lambda z: z * 2)(x)
""",
    """\
from keras import layers


def f(c):
    return layers.Lambda(lambda z: z[c])


for c in range(3):
    f(c)(x)
""",
    """\
from keras import layers

n = 4
layers.Lambda(lambda z: z * n)(x)
""",
    """\
for c in range(3):
    fs.append(sorted(x, key=lambda z: z[c]))
""",
    """\
from keras import layers

for c in range(3):
    layers.Lambda(lambda z, k: z[k], arguments={"k": c})(x)
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
