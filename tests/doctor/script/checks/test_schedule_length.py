import pytest

from residency.doctor.script.checks.schedule_length import check

SICK = (
    """\
import keras

m.fit(
    x,
    epochs=20,
    callbacks=[
        keras.callbacks.LearningRateScheduler(lambda e: 0.1 if e < 99 else 0.01)
    ],
)
""",
)
HEALTHY = (
    """\
import keras

m.fit(x, epochs=20, callbacks=[keras.callbacks.LearningRateScheduler(lambda e: 0.1)])
""",
    """\
import keras

m.fit(
    x,
    epochs=20,
    callbacks=[
        keras.callbacks.LearningRateScheduler(lambda e: 0.1 if e < 10 else 0.01)
    ],
)
""",
    """\
import keras

m.fit(
    x,
    epochs=E,
    callbacks=[
        keras.callbacks.LearningRateScheduler(lambda e: 0.1 if e < 99 else 0.01)
    ],
)
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
