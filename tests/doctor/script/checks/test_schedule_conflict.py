import pytest

from residency.doctor.script.checks.schedule_conflict import check

SICK = (
    """\
import keras

m.compile(keras.optimizers.SGD(0.1), "mse")
m.fit(
    x,
    epochs=20,
    callbacks=[keras.callbacks.LearningRateScheduler(lambda e: 0.05 * 0.9**e)],
)
""",
    """\
import keras

rate = keras.optimizers.schedules.CosineDecay(0.1, 100)
m.compile(keras.optimizers.SGD(rate), "mse")
m.fit(x, epochs=2, callbacks=[keras.callbacks.ReduceLROnPlateau()])
""",
)
HEALTHY = (
    """\
import keras


def s(e, lr):
    return lr if e < 9 else lr * 0.9


m.compile(keras.optimizers.SGD(0.1), "mse")
m.fit(x, epochs=20, callbacks=[keras.callbacks.LearningRateScheduler(s)])
""",
    """\
import keras

m.compile("sgd", "mse")
m.fit(x, epochs=20, callbacks=[keras.callbacks.LearningRateScheduler(lambda e: 0.5)])
""",
    """\
import keras

m.compile(keras.optimizers.SGD(0.1), "mse")
m.fit(x, epochs=20, callbacks=[keras.callbacks.LearningRateScheduler(unknown)])
""",
    """\
import keras

keras.callbacks.ReduceLROnPlateau()
m.compile(keras.optimizers.SGD(0.1), "mse")
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
