import pytest

from residency.doctor.script.checks.unused_object import check

SICK = (
    "import keras\nloss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)\nm.compile('sgd', loss='mse')",
    "import keras\nstop = keras.callbacks.EarlyStopping()\nm.fit(x, epochs=9)",
    "import keras\ncallbacks = [keras.callbacks.EarlyStopping()]\nm.fit(x, epochs=9)",
)
HEALTHY = (
    "import keras\nopt = keras.optimizers.Adam()",
    "import keras\nopt = keras.optimizers.Adam()\nm.compile(opt)",
    "import keras\nclass T:\n    def __init__(self):\n        self.opt = keras.optimizers.Adam()\nm.compile('sgd')",
    "import keras\nopt = keras.optimizers.Adam()\ndef f():\n    m.compile(opt)",
    "import keras\n__all__ = ['opt']\nopt = keras.optimizers.Adam()\nm.compile('sgd')",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
