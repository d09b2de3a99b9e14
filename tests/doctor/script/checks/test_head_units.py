import pytest

from residency.doctor.script.checks.head_units import check

SICK = (
    "import keras\nclass_names = ['a', 'b']\nm = keras.applications.VGG16()\nm.compile('sgd')\nm.fit(x, epochs=1)",
)
HEALTHY = (
    "import keras\nm = keras.applications.ResNet50()\nm.predict(x)",
    "import keras\nNUM_CLASSES = 1000\nm = keras.applications.ResNet50(weights=None)\nm.compile('sgd')\nm.fit(x, epochs=1)",
    "import keras\nclass_names = ['a', 'b']\nb = keras.applications.ResNet50(include_top=False)\nm = keras.Model(b.input, b.output)\nm.compile('sgd')\nm.fit(x, epochs=1)",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
