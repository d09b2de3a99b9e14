import pytest

from residency.doctor.script.checks.unused_object import check

SICK = (
    """\
import keras

loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
m.compile("sgd", loss="mse")
""",
    """\
import keras

stop = keras.callbacks.EarlyStopping()
m.fit(x, epochs=9)
""",
    """\
import keras

callbacks = [keras.callbacks.EarlyStopping()]
m.fit(x, epochs=9)
""",
)
HEALTHY = (
    """\
import keras

opt = keras.optimizers.Adam()
""",
    """\
import keras

opt = keras.optimizers.Adam()
m.compile(opt)
""",
    """\
import keras


class T:
    def __init__(self):
        self.opt = keras.optimizers.Adam()


m.compile("sgd")
""",
    """\
import keras

opt = keras.optimizers.Adam()


def f():
    m.compile(opt)
""",
    """\
import keras

__all__ = ["opt"]
opt = keras.optimizers.Adam()
m.compile("sgd")
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
