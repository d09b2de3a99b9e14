import pytest

from residency.doctor.script.checks.scaled_twice import check

SICK = (
    "import keras\nd = ds.map(lambda x: x / 255)\nm = keras.Sequential([keras.layers.Rescaling(1 / 255)])\nm.compile('sgd')\nm.fit(d, epochs=1)",
    "import keras\nfrom keras.applications.vgg16 import preprocess_input\nm.fit(ds.map(lambda x: preprocess_input(x / 255)), epochs=1)",
)
HEALTHY = (
    "import keras\nd = ds.map(lambda x: x / 255)\nm = keras.Sequential([keras.layers.Dense(1)])\nm.compile('sgd')\nm.fit(d, epochs=1)",
    "import keras\nr = keras.layers.Rescaling(1 / 255)\nd = ds.map(lambda x: r(x))\nm.compile('sgd')\nm.fit(d, epochs=1)",
    "import keras\nfrom keras.applications.efficientnet import preprocess_input\nm.fit(ds.map(lambda x: preprocess_input(x / 255)), epochs=1)",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
