import pytest

from residency.doctor.script.checks.head_units import check

SICK = (
    """\
import keras

class_names = ["a", "b"]
m = keras.applications.VGG16()
m.compile("sgd")
m.fit(x, epochs=1)
""",
)
HEALTHY = (
    """\
import keras

m = keras.applications.ResNet50()
m.predict(x)
""",
    """\
import keras

NUM_CLASSES = 1000
m = keras.applications.ResNet50(weights=None)
m.compile("sgd")
m.fit(x, epochs=1)
""",
    """\
import keras

class_names = ["a", "b"]
b = keras.applications.ResNet50(include_top=False)
m = keras.Model(b.input, b.output)
m.compile("sgd")
m.fit(x, epochs=1)
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
