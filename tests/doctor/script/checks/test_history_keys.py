import pytest

from residency.doctor.script.checks.history_keys import check

SICK = (
    "import keras\nm.compile('sgd', 'mse', metrics=['acc'])\nh = m.fit(x, epochs=1).history\nh['accuracy']",
    "import keras\nm.compile('sgd', 'mse', metrics=['accuracy'])\nkeras.callbacks.EarlyStopping(monitor='val_acc')",
)
HEALTHY = (
    "import keras\nm.compile('sgd', 'mse', metrics=['acc'])\nh = m.fit(x, epochs=1)\nh.history['val_acc']",
    "import keras\nm.compile('sgd', 'mse', metrics=[Own()])\nh = m.fit(x, epochs=1)\nh.history['acc']",
    "import keras\nm.compile('sgd', 'mse', metrics=['accuracy'])\nscores['acc']",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
