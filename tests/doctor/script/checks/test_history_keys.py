import pytest

from residency.doctor.script.checks.history_keys import check

SICK = (
    """\
import keras

m.compile("sgd", "mse", metrics=["acc"])
h = m.fit(x, epochs=1).history
h["accuracy"]
""",
    """\
import keras

m.compile("sgd", "mse", metrics=["accuracy"])
keras.callbacks.EarlyStopping(monitor="val_acc")
""",
)
HEALTHY = (
    """\
import keras

m.compile("sgd", "mse", metrics=["acc"])
h = m.fit(x, epochs=1)
h.history["val_acc"]
""",
    """\
import keras

m.compile("sgd", "mse", metrics=[Own()])
h = m.fit(x, epochs=1)
h.history["acc"]
""",
    """\
import keras

m.compile("sgd", "mse", metrics=["accuracy"])
scores["acc"]
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
