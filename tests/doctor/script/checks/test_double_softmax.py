import pytest

from residency.doctor.script.checks.double_softmax import check

MODEL = """\
import keras
from keras import layers

model = keras.Sequential([layers.Flatten(), layers.Dense(%s)])
model.compile("adam", %s)
"""
SCORES = "keras.losses.CategoricalCrossentropy(from_logits=True)"
SHARES = "keras.losses.CategoricalCrossentropy()"
NAME = "'categorical_crossentropy'"


@pytest.mark.parametrize("last", ["10, activation='softmax'", "1, 'sigmoid'"])
def test_it_is_found(findings, last):
    (found,) = findings(check, MODEL % (last, SCORES))
    assert found.source == "script.py:4"


@pytest.mark.parametrize(
    ("last", "loss"),
    [
        ("10", SCORES),
        ("10, activation='softmax'", SHARES),
        ("10, activation='softmax'", NAME),
    ],
)
def test_a_near_miss_is_left_alone(findings, last, loss):
    assert findings(check, MODEL % (last, loss)) == []
